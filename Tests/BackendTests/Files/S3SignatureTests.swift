import Common
import Foundation
import S3Files
import Testing

/// Amazon's own examples of Signature Version 4 for S3.
@Suite("Signatures of S3")
struct S3SignatureTests {
    private let signature = Signature(
        credentials: S3Credentials(
            accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")),
        region: "us-east-1")
    private let time = Timestamp("2013-05-24T00:00:00Z")!
    private let host = (name: "Host", value: "examplebucket.s3.amazonaws.com")

    private func authorization(
        _ method: String = "GET", _ path: String, _ query: [(name: String, value: String)] = [],
        _ headers: [(name: String, value: String)] = [], body: String = ""
    ) -> String {
        let signed = signature.sign(
            method, path: path, query: query, headers: [host] + headers, body: Array(body.utf8), at: time)
        return signed.last { $0.name == "Authorization" }?.value ?? ""
    }

    @Test("of requests are those of the examples")
    func requests() {
        #expect(
            authorization("GET", "/test.txt", [], [("Range", "bytes=0-9")])
                == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        )
        #expect(
            authorization(
                "PUT", "/" + Signature.encoded("test$file.text", keepingSlash: true), [],
                [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
                body: "Welcome to Amazon S3."
            ).hasSuffix("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"))
        #expect(
            authorization("GET", "/", [("lifecycle", "")])
                .hasSuffix("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"))
        #expect(
            authorization("GET", "/", [("prefix", "J"), ("max-keys", "2")])
                .hasSuffix("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"))
    }

    @Test("of a link is that of the example, and a session's token goes with it")
    func link() {
        let query = signature.presign(path: "/test.txt", query: [], host: host.value, seconds: 86_400, at: time)
        #expect(query.hasSuffix("Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"))
        var credentials = signature.credentials
        credentials.sessionToken = Secret("a/token")
        let other = Signature(credentials: credentials, region: "us-east-1")
        #expect(
            other.presign(path: "/test.txt", query: [], host: host.value, seconds: 60, at: time)
                .contains("X-Amz-Security-Token=a%2Ftoken"))
        let headers = other.sign("GET", path: "/", query: [], headers: [host], body: [], at: time)
        #expect(headers.contains { $0 == ("x-amz-security-token", "a/token") })
        #expect(headers.last?.value.contains("x-amz-date;x-amz-security-token") == true)
    }

    @Test("addresses of buckets are read, and what is wrong with one is said")
    func settings() throws {
        func read(_ url: String, _ key: String? = "k") throws -> S3Settings {
            try S3Settings(url: url, accessKey: key, secretKey: Secret("s3cr3t"))
        }
        let amazon = try read("s3://bucket/a/b/?region=eu-central-1")
        #expect(amazon.endpoint == "https://s3.eu-central-1.amazonaws.com" && !amazon.isPathStyle)
        #expect(amazon.prefix == "a/b/" && amazon.bucket == "bucket")
        #expect(try read("s3://my.bucket").isPathStyle)
        #expect(try read("s3://b?endpoint=https://minio.example.org:9000/").isPathStyle)
        #expect(try !read("s3://b?endpoint=https://s3.example.org&addressing=virtual").isPathStyle)
        #expect(!"\(amazon)".contains("s3cr3t"))
        for (url, word) in [
            ("s3:///x", "s3://bucket"), ("s3://k:s@b", "EARSHOT_FILES_ACCESS_KEY"), ("s3://b?regoin=x", "regoin"),
            ("s3://b?endpoint=minio", "endpoint"), ("s3://b?addressing=x", "path"), ("s3://b/ä", "prefix"),
            ("https://b", "s3://bucket"),
        ] {
            #expect {
                _ = try read(url)
            } throws: {
                "\($0)".contains(word)
            }
        }
        #expect(throws: S3SettingsError.self) { try read("s3://b", nil) }
    }
}
