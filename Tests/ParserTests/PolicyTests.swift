import ByteJSON
import Common
import Connectors
import Engines
import Foundation
import Logging
import SQLiteLog
import ServiceKit
import TestKit
import Testing

@testable import Parser

/// What a workspace's policy does to personal data.
@Suite struct PolicyTests {
    private static let payload = #"""
        {"id":"1","title":"From ada@example.com","text":"Write to bob@example.com or bob@example.org, please",
         "author":{"id":"u7","name":"Ada Lovelace","email":"ada@example.com","country":"GB"},
         "remark":"cc eve@example.com","created_at":"2021-01-01"}
        """#

    private func parse(_ policy: WorkspaceRecord.PersonalDataPolicy) async throws -> Feedback {
        let bench = try await Bench(policy: policy)
        try await bench.push([Self.payload])
        try await bench.drain(try bench.handler())
        return try #require(try await bench.feedback().first)
    }

    @Test func keep() async throws {
        let feedback = try await parse(.keep)
        #expect(feedback.title == "From ada@example.com")
        #expect(feedback.text == "Write to bob@example.com or bob@example.org, please")
        #expect(feedback.author.name == "Ada Lovelace")
        #expect(feedback.author.email == "ada@example.com")
        #expect(feedback.personalData == ["email"])
    }

    @Test func mask() async throws {
        let feedback = try await parse(.mask)
        #expect(feedback.title == "From <email>")
        #expect(feedback.text == "Write to <email> or <email>, please")
        #expect(feedback.author.id == "u7")
        #expect(feedback.author.name == "<name>")
        #expect(feedback.author.email == "<email>")
        #expect(feedback.author.country == "gb")
        #expect(feedback.custom == ["remark": "cc <email>"])
        #expect(feedback.personalData == ["email"])
    }

    @Test func drop() async throws {
        let feedback = try await parse(.drop)
        #expect(feedback.title == "From ")
        #expect(feedback.text == "Write to  or , please")
        #expect(feedback.author == Feedback.Author(country: "gb"))
        #expect(feedback.custom == ["remark": "cc "])
    }

    @Test func thePolicyDoesNotChangeTheContentHash() async throws {
        let hashes = [try await parse(.keep), try await parse(.mask), try await parse(.drop)].map(\.contentHash)
        #expect(Set(hashes).count == 1)
    }

    /// Two people behind masked addresses stay two, and one stays one.
    @Test func maskedPeopleCanBeCounted() async throws {
        func author(_ email: String) -> String { #"{"id":"\#(email)","text":"Hi","author":{"email":"\#(email)"}}"# }
        let bench = try await Bench(policy: .mask)
        try await bench.push(["a@example.com", "b@example.com", "a@example.com"].map(author), key: { _ in "one" })
        try await bench.drain(try bench.handler())
        let ids = try await bench.feedback().map(\.author.id)
        #expect(ids.count == 3)
        #expect(ids[0] == ids[2])
        #expect(ids[0] != ids[1])
        #expect(ids.allSatisfy { $0?.hasPrefix("anon_") == true })
    }

    @Test func spansThatReachOverTheTitleAreCutOnBothSides() {
        let redaction = Redaction(policy: .mask, workspace: .make(), finder: nil)
        let text = Array("aaaa bbbb".utf8)
        let spans = [PersonalDataSpan(kind: .email, range: 2..<7)]
        #expect(String(decoding: redaction.apply(to: text[0..<4], spans: spans), as: UTF8.self) == "aa<email>")
        #expect(String(decoding: redaction.apply(to: text[5..<9], spans: spans), as: UTF8.self) == "<email>bb")
        #expect(redaction.apply(to: text[0..<2], spans: spans) == text[0..<2])
    }
}
