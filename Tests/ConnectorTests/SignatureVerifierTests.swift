import ByteJSON
import Common
import Connectors
import Crypto
import Foundation
import Testing

@Suite struct SignatureVerifierTests {
    static let now = Timestamp(seconds: 1_700_000_000)
    static let standard = SignatureScheme(
        encoding: .base64, secretForm: .standard, header: "webhook-signature", prefix: "v1,", separator: " ",
        signed: "{id}.{timestamp}.{body}", idHeader: "webhook-id", timestampHeader: "webhook-timestamp")
    static let standardAsymmetric = SignatureScheme(
        algorithm: .ed25519, encoding: .base64, secretForm: .standard, header: "webhook-signature", prefix: "v1a,",
        separator: " ", signed: "{id}.{timestamp}.{body}", idHeader: "webhook-id",
        timestampHeader: "webhook-timestamp")

    @Test func aBodyIsSignedWithEachHashAndEncoding() {
        let body = Array("a delivery".utf8)
        let key = SymmetricKey(data: Array("secret".utf8))
        let codes: [(SignatureScheme.Hash, [UInt8])] = [
            (.sha1, Array(HMAC<Insecure.SHA1>.authenticationCode(for: body, using: key))),
            (.sha256, Array(HMAC<SHA256>.authenticationCode(for: body, using: key))),
            (.sha512, Array(HMAC<SHA512>.authenticationCode(for: body, using: key))),
        ]
        for (hash, code) in codes {
            let hex = code.map { String(format: "%02x", $0) }.joined()
            for (encoding, text) in [(SignatureScheme.Encoding.hex, hex), (.base64, Data(code).base64EncodedString())] {
                let scheme = SignatureScheme(hash: hash, encoding: encoding, header: "X-Signature", prefix: "v=")
                let verifier = SignatureVerifier(schemes: [scheme], secrets: [SigningSecret(Secret("secret"))])
                let good = TestDelivery(["x-signature": "v=\(text)"], body)
                #expect(verifier.accepts(good, at: Self.now))
                #expect(!verifier.accepts(TestDelivery(["x-signature": text], body), at: Self.now))
                #expect(!verifier.accepts(TestDelivery(["x-signature": "v=\(text)0"], body), at: Self.now))
                #expect(!verifier.accepts(TestDelivery(good.headers, body + [0]), at: Self.now))
                #expect(!verifier.accepts(TestDelivery([:], body), at: Self.now))
            }
        }
    }

    @Test func aPublicKeyVerifiesAndNeverServesAsASecret() throws {
        let key = Curve25519.Signing.PrivateKey()
        let secret = SigningSecret(Secret("whpk_" + key.publicKey.rawRepresentation.base64EncodedString()))
        let body = Array(#"{"text":"hello"}"#.utf8)
        let signed = Array("msg_1.1700000000.".utf8) + body
        var headers = ["webhook-id": "msg_1", "webhook-timestamp": "1700000000"]
        headers["webhook-signature"] = "v1,AAAA v1a," + (try key.signature(for: signed)).base64EncodedString()
        let verifier = SignatureVerifier(schemes: [Self.standard, Self.standardAsymmetric], secrets: [secret])
        #expect(verifier.accepts(TestDelivery(headers, body), at: Self.now))
        #expect(!verifier.accepts(TestDelivery(headers, body + [0x20]), at: Self.now))

        // Whoever knows the public key could make this one.
        let forged = HMAC<SHA256>.authenticationCode(
            for: signed, using: SymmetricKey(data: key.publicKey.rawRepresentation))
        headers["webhook-signature"] = "v1," + Data(forged).base64EncodedString()
        #expect(!verifier.accepts(TestDelivery(headers, body), at: Self.now))
    }

    @Test func aSecretThatWasRotatedOutIsRefusedFromItsTimeOn() {
        let body = Array("x".utf8)
        let scheme = SignatureScheme(header: "X-Signature")
        let verifier = SignatureVerifier(
            schemes: [scheme],
            secrets: [SigningSecret(Secret("new")), SigningSecret(Secret("old"), notAfter: Self.now)])
        func delivery(signedWith secret: String) -> TestDelivery {
            let code = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: Array(secret.utf8)))
            return TestDelivery(["x-signature": code.map { String(format: "%02X", $0) }.joined()], body)
        }
        let before = Self.now.advanced(bySeconds: -0.001)
        #expect(verifier.accepts(delivery(signedWith: "old"), at: before))
        #expect(!verifier.accepts(delivery(signedWith: "old"), at: Self.now))
        #expect(verifier.accepts(delivery(signedWith: "new"), at: before))
        #expect(verifier.accepts(delivery(signedWith: "new"), at: Self.now))
        #expect(!verifier.accepts(delivery(signedWith: ""), at: before))
    }

    @Test func aTokenIsComparedAsItIs() {
        let scheme = SignatureScheme(algorithm: .token, header: "Authorization", prefix: "Bearer ")
        let verifier = SignatureVerifier(schemes: [scheme], secrets: [SigningSecret(Secret("tökèn"))])
        for (value, isRight) in [("Bearer tökèn", true), ("tökèn", false), ("Bearer tökè", false), ("Bearer ", false)] {
            #expect(verifier.accepts(TestDelivery(["authorization": value], []), at: Self.now) == isRight)
        }
    }

    @Test func noSchemeAndNoSecretAcceptNothing() {
        let delivery = TestDelivery(["x-signature": ""], [])
        #expect(!SignatureVerifier(schemes: [], secrets: [SigningSecret(Secret("a"))]).accepts(delivery, at: Self.now))
        let scheme = SignatureScheme(header: "X-Signature")
        #expect(!SignatureVerifier(schemes: [scheme], secrets: []).accepts(delivery, at: Self.now))
        #expect(!SignatureVerifier(schemes: [scheme], secrets: []).acceptsAnything)
        let open = SignatureScheme(algorithm: .none, header: "")
        #expect(SignatureVerifier(schemes: [open], secrets: []).acceptsAnything)
    }

    @Test func aSchemeIsReadFromSettings() throws {
        let scheme = try SignatureScheme([
            "header": "X-Acme-Signature[v1]", "hash": "sha512", "encoding": "base64", "signed": "{timestamp}:{body}",
            "timestamp": "body.sent_at", "timestamp_unit": "milliseconds", "tolerance": 60,
        ])
        #expect(scheme.hash == .sha512 && scheme.encoding == .base64 && scheme.tolerance == 60)
        #expect(scheme.timestampHeader == "body.sent_at" && scheme.timestampUnit == .milliseconds)

        let refused: [(JSON, String)] = [
            (["header": "X", "hash": "md5"], "hash"), ([:], "header"), (["header": "X", "colour": 1], "colour"),
            (["header": "X", "signed": "{id}{body}"], "signed"), (["header": "X", "tolerance": -1], "tolerance"),
            (["header": 3], "header"), ("sha256", ""),
        ]
        for (json, member) in refused {
            let error = #expect(throws: SignatureSchemeError.self) { try SignatureScheme(json) }
            #expect(error?.at == member)
        }
    }
}

/// The published and computed vectors, each with the scheme that a manifest would state for its provider.
private let vectorsPath = ProcessInfo.processInfo.environment["EARSHOT_FIXTURES"].map {
    $0 + "/signatures/vectors.json"
}

@Suite(.enabled(if: vectorsPath != nil, "set EARSHOT_FIXTURES to the folder of recorded payloads"))
struct RecordedVectors {
    static let schemes: [String: SignatureScheme] = [
        "standard-webhooks": SignatureVerifierTests.standard,
        "github": SignatureScheme(header: "X-Hub-Signature-256", prefix: "sha256="),
        "discourse": SignatureScheme(header: "X-Discourse-Event-Signature", prefix: "sha256="),
        "slack": SignatureScheme(
            header: "X-Slack-Signature", prefix: "v0=", signed: "v0:{timestamp}:{body}",
            timestampHeader: "X-Slack-Request-Timestamp"),
        "intercom": SignatureScheme(hash: .sha1, header: "X-Hub-Signature", prefix: "sha1="),
        "zendesk": SignatureScheme(
            encoding: .base64, header: "X-Zendesk-Webhook-Signature", signed: "{timestamp}{body}",
            timestampHeader: "X-Zendesk-Webhook-Signature-Timestamp", timestampUnit: .rfc3339, tolerance: 0),
        "typeform": SignatureScheme(encoding: .base64, header: "Typeform-Signature", prefix: "sha256="),
        "stripe": SignatureScheme(
            header: "Stripe-Signature", prefix: "v1=", separator: ",", signed: "{timestamp}.{body}",
            timestampHeader: "Stripe-Signature[t]"),
        "linear": SignatureScheme(
            header: "Linear-Signature", timestampHeader: "body.webhookTimestamp", timestampUnit: .milliseconds,
            tolerance: 60),
        "jira": SignatureScheme(header: "X-Hub-Signature", prefix: "sha256="),
        "sentry": SignatureScheme(header: "Sentry-Hook-Signature"),
        "delighted": SignatureScheme(header: "X-Delighted-Webhook-Signature", prefix: "sha256="),
        "x": SignatureScheme(encoding: .base64, header: "x-twitter-webhooks-signature", prefix: "sha256="),
        "facebook": SignatureScheme(header: "X-Hub-Signature-256", prefix: "sha256="),
        "surveymonkey": SignatureScheme(hash: .sha1, encoding: .base64, header: "Sm-Signature"),
        "hubspot-v3": SignatureScheme(
            encoding: .base64, header: "X-HubSpot-Signature-v3", signed: "{method}{url}{body}{timestamp}",
            timestampHeader: "X-HubSpot-Request-Timestamp", timestampUnit: .milliseconds),
        "canny": SignatureScheme(
            encoding: .base64, header: "canny-signature", signed: "{id}", idHeader: "canny-nonce",
            timestampHeader: "canny-timestamp", timestampUnit: .milliseconds),
        "mailgun": SignatureScheme(
            header: "body.signature", signed: "{timestamp}{id}", idHeader: "body.token",
            timestampHeader: "body.timestamp"),
        "gitlab": SignatureScheme(algorithm: .token, header: "X-Gitlab-Token"),
    ]

    @Test func everyVectorIsJudgedAsItSays() throws {
        let bytes = try Array(Data(contentsOf: URL(filePath: try #require(vectorsPath))))
        let vectors = try JSONDocument(parsing: bytes).root["vectors"].map { Array($0.elements) } ?? []
        #expect(vectors.count >= 60)
        for vector in vectors {
            let name = vector["scheme"]?.string ?? ""
            guard let scheme = Self.schemes[name] else {
                Issue.record("no scheme for \(name)")
                continue
            }
            // SurveyMonkey's key is two values joined.
            let key = name == "surveymonkey" ? "client-1&" : ""
            let secrets = [key + (vector["secret"]?.string ?? "")].map { SigningSecret(Secret($0)) }
            var headers: [String: String] = [:]
            for (header, value) in vector["headers"].map({ Array($0.members) }) ?? [] {
                headers[header.lowercased()] = value.string
            }
            var delivery = TestDelivery(headers, Array((vector["body"]?.string ?? "").utf8))
            delivery.url = vector["url"]?.string ?? ""
            let accepted = SignatureVerifier(schemes: [scheme], secrets: secrets)
                .accepts(delivery, at: Timestamp(seconds: vector["now_unix"]?.int64 ?? 0))
            #expect(accepted == vector["valid"]?.bool, "\(name): \(vector["name"]?.string ?? "")")
        }
    }
}

private struct TestDelivery: Delivery {
    var headers: [String: String]
    var body: [UInt8]
    var method = "POST"
    var url = ""

    init(_ headers: [String: String], _ body: [UInt8]) {
        self.headers = headers
        self.body = body
    }

    func header(_ name: String) -> String? { headers[name] }

    func bodyValue(_ path: Path) -> String? {
        if let document = try? JSONDocument(parsing: body) {
            guard case .member(let name)? = path.steps.first, let value = document.root[name] else { return nil }
            return value.string ?? String(decoding: value.raw, as: UTF8.self)
        }
        return URLComponents(string: "?" + String(decoding: body, as: UTF8.self))?.queryItems?
            .first { $0.name == path.description }?.value
    }
}
