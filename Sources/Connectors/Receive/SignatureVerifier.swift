public import Common
import Crypto
import Foundation

/// A secret that deliveries may be signed with.
public struct SigningSecret: Sendable, Hashable {
    public var secret: Secret
    /// Refused from this time on; nil is for ever.
    public var notAfter: Timestamp?

    public init(_ secret: Secret, notAfter: Timestamp? = nil) {
        self.secret = secret
        self.notAfter = notAfter
    }
}

/// Says whether a delivery was signed with one of a stream's secrets, in one of its connector's ways.
///
/// Templates and keys are prepared once. Signatures are compared in a time that does not depend on them, and the
/// answer does not say which part was wrong.
public struct SignatureVerifier: Sendable {
    private let checks: [Check]

    /// - Parameters:
    ///   - schemes: A delivery must satisfy one of them; without any, none is accepted.
    ///   - secrets: More than one while they are being rotated.
    public init(schemes: [SignatureScheme], secrets: [SigningSecret]) {
        checks = schemes.map { Check($0, secrets) }
    }

    /// Whether one of the schemes accepts the delivery at this time.
    public func accepts(_ delivery: some Delivery, at now: Timestamp) -> Bool {
        checks.contains { $0.accepts(delivery, at: now) }
    }

    /// Whether every delivery is accepted, whoever sends it.
    public var acceptsAnything: Bool { checks.contains { $0.scheme.algorithm == .none } }
}

/// One scheme with its keys.
private struct Check: Sendable {
    /// Several signatures come while a sender rotates its keys; more than these are not looked at.
    static let maximumSignatures = 8

    let scheme: SignatureScheme
    private let signature: DeliveryPlace
    private let id: DeliveryPlace?
    private let timestamp: DeliveryPlace?
    private let signed: [Part]
    private let prefix: [UInt8]
    private let keys: [(key: Key, notAfter: Timestamp?)]

    private enum Key: Sendable {
        /// Codes of which the key is in already.
        case sha1(HMAC<Insecure.SHA1>)
        case sha256(HMAC<SHA256>)
        case sha512(HMAC<SHA512>)
        case token(SymmetricKey)
        case publicKey([UInt8])
    }

    private enum Part: Sendable {
        case literal([UInt8])
        case body, id, timestamp, method, url
    }

    init(_ scheme: SignatureScheme, _ secrets: [SigningSecret]) {
        self.scheme = scheme
        signature = DeliveryPlace(scheme.header)
        id = scheme.idHeader.map(DeliveryPlace.init)
        timestamp = scheme.timestampHeader.map(DeliveryPlace.init)
        signed = Self.parts(of: scheme.signed)
        prefix = Array(scheme.prefix.utf8)
        keys = secrets.compactMap { secret in Self.key(secret.secret, for: scheme).map { ($0, secret.notAfter) } }
    }

    func accepts(_ delivery: some Delivery, at now: Timestamp) -> Bool {
        guard scheme.algorithm != .none else { return true }
        guard let presented = signature.value(in: delivery) else { return false }
        let idText = id?.value(in: delivery)
        let timestampText = timestamp?.value(in: delivery)
        if timestamp != nil {
            guard let timestampText, isFresh(timestampText, at: now) else { return false }
        }
        let candidates = self.candidates(in: presented)
        guard !candidates.isEmpty else { return false }
        let live = keys.lazy.filter { $0.notAfter.map { now < $0 } ?? true }.map(\.key)

        if scheme.algorithm == .token {
            return live.contains { key in
                guard case .token(let token) = key else { return false }
                return candidates.contains { token.hasSameBytes(as: Array($0)) }
            }
        }
        let message = Message(delivery: delivery, id: idText, timestamp: timestampText)
        return live.contains { key in
            let code: [UInt8]?
            switch key {
            case .sha1(let hmac): code = authenticationCode(of: message, hmac)
            case .sha256(let hmac): code = authenticationCode(of: message, hmac)
            case .sha512(let hmac): code = authenticationCode(of: message, hmac)
            case .token: return false
            case .publicKey(let bytes):
                var signed: [UInt8] = []
                guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes),
                    forEachPiece(of: message, { signed += $0 })
                else { return false }
                return candidates.contains { candidate in
                    guard let signature = decode(candidate) else { return false }
                    return key.isValidSignature(signature, for: signed)
                }
            }
            guard let expected = code.map(encode) else { return false }
            return candidates.contains { constantTimeEqual(expected, normalised($0)) }
        }
    }

    // MARK: - What was presented

    private func candidates(in presented: String) -> [Substring.UTF8View] {
        guard !scheme.separator.isEmpty else { return candidate(in: presented[...]).map { [$0] } ?? [] }
        return presented.split(separator: scheme.separator, maxSplits: 4 * Self.maximumSignatures).lazy
            .compactMap(candidate)
            .prefix(Self.maximumSignatures)
            .map(\.self)
    }

    private func candidate(in piece: Substring) -> Substring.UTF8View? {
        let text = piece.utf8.drop { $0 == UInt8(ascii: " ") }
        return text.starts(with: prefix) ? text.dropFirst(prefix.count) : nil
    }

    private func isFresh(_ text: String, at now: Timestamp) -> Bool {
        let then: Timestamp? =
            switch scheme.timestampUnit {
            case .seconds: Int64(text).flatMap { $0.magnitude < 1 << 40 ? Timestamp(seconds: $0) : nil }
            case .milliseconds: Int64(text).flatMap { $0.magnitude < 1 << 50 ? Timestamp(milliseconds: $0) : nil }
            case .rfc3339: Timestamp(text)
            }
        guard let then else { return false }
        return scheme.tolerance == 0
            || abs(now.milliseconds - then.milliseconds) / 1000 <= Int64(scheme.tolerance)
    }

    // MARK: - What it should be

    /// What may be signed of a delivery.
    private struct Message<Signed: Delivery> {
        let delivery: Signed
        let id: String?
        let timestamp: String?
    }

    /// Hands out what is signed, piece by piece.
    ///
    /// - Returns: false if a part that is needed did not come.
    private func forEachPiece(of message: Message<some Delivery>, _ body: ([UInt8]) -> Void) -> Bool {
        for part in signed {
            switch part {
            case .literal(let bytes): body(bytes)
            case .body: body(message.delivery.body)
            case .method: body(Array(message.delivery.method.utf8))
            case .url: body(Array(message.delivery.url.utf8))
            case .id:
                guard let id = message.id, !id.isEmpty else { return false }
                body(Array(id.utf8))
            case .timestamp:
                guard let timestamp = message.timestamp else { return false }
                body(Array(timestamp.utf8))
            }
        }
        return true
    }

    private func authenticationCode<Hash>(of message: Message<some Delivery>, _ keyed: HMAC<Hash>) -> [UInt8]? {
        var hmac = keyed
        guard forEachPiece(of: message, { hmac.update(data: $0) }) else { return nil }
        // As a sequence it would be copied byte by byte, by generic code.
        return hmac.finalize().withUnsafeBytes { Array($0) }
    }

    private func encode(_ code: [UInt8]) -> [UInt8] {
        switch scheme.encoding {
        case .base64: Array(Data(code).base64EncodedString().utf8)
        case .hex:
            [UInt8](unsafeUninitializedCapacity: 2 * code.count) { text, count in
                for (i, byte) in code.enumerated() {
                    let (high, low) = (byte >> 4, byte & 15)
                    text[2 * i] = high < 10 ? 0x30 + high : 0x57 + high
                    text[2 * i + 1] = low < 10 ? 0x30 + low : 0x57 + low
                }
                count = 2 * code.count
            }
        }
    }

    /// Hexadecimal digits may come in capitals.
    private func normalised(_ candidate: Substring.UTF8View) -> [UInt8] {
        scheme.encoding == .hex
            ? candidate.map { $0 >= 0x41 && $0 <= 0x46 ? $0 | 0x20 : $0 } : Array(candidate)
    }

    private func decode(_ candidate: Substring.UTF8View) -> [UInt8]? {
        switch scheme.encoding {
        case .base64: return Data(base64Encoded: String(Substring(candidate))).map(Array.init)
        case .hex:
            let digits = candidate.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
            guard digits.count == candidate.count, digits.count % 2 == 0 else { return nil }
            return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        }
    }

    // MARK: - Preparing

    private static func key(_ secret: Secret, for scheme: SignatureScheme) -> Key? {
        let text = secret.reveal()
        let isSymmetric = scheme.algorithm != .ed25519
        var bytes = Array(text.utf8)
        if scheme.secretForm == .standard {
            // A public key is known to everybody: it must never serve as the key of an HMAC.
            guard !text.hasPrefix(isSymmetric ? "whpk_" : "whsec_") else { return nil }
            let encoded =
                text.hasPrefix("whsec_") || text.hasPrefix("whpk_") ? text.drop { $0 != "_" }.dropFirst() : text[...]
            guard let decoded = Data(base64Encoded: String(encoded)) else { return nil }
            bytes = Array(decoded)
        }
        guard !bytes.isEmpty else { return nil }
        let key = SymmetricKey(data: bytes)
        switch (scheme.algorithm, scheme.hash) {
        case (.ed25519, _): return .publicKey(bytes)
        case (.token, _), (.none, _): return .token(key)
        case (.hmac, .sha1): return .sha1(HMAC(key: key))
        case (.hmac, .sha256): return .sha256(HMAC(key: key))
        case (.hmac, .sha512): return .sha512(HMAC(key: key))
        }
    }

    private static func parts(of template: String) -> [Part] {
        var parts: [Part] = []
        var rest = template[...]
        let names: [(name: String, part: Part)] = [
            ("{body}", .body), ("{id}", .id), ("{timestamp}", .timestamp), ("{method}", .method), ("{url}", .url),
        ]
        var literal: [UInt8] = []
        while !rest.isEmpty {
            if let (name, part) = names.first(where: { rest.hasPrefix($0.name) }) {
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = []
                parts.append(part)
                rest = rest.dropFirst(name.count)
            } else {
                literal.append(contentsOf: String(rest.removeFirst()).utf8)
            }
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        return parts
    }
}

extension SymmetricKey {
    /// Compares digests, so that not even the length shows in the time.
    fileprivate func hasSameBytes(as other: [UInt8]) -> Bool {
        let own = withUnsafeBytes { SHA256.hash(data: $0) }
        return constantTimeEqual(Array(own), Array(SHA256.hash(data: other)))
    }
}

/// Compares without stopping at the first difference; only the lengths show in the time.
private func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for i in left.indices { difference |= left[i] ^ right[i] }
    return difference == 0
}
