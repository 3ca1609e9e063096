import Foundation
import Testing

/// The rules of `docs/architecture.md` that the manifest cannot see.
@Suite("What the architecture never allows")
struct NeverTests {
    static let services = ["Fetcher", "Webhook", "Parser", "Reports", "Workspace"]
    static let backends = [
        "PostgresDatabase", "SQLiteDatabase", "KafkaLog", "SQLiteLog", "SpooledLog", "CurlTransport",
        "LocalFiles", "S3Files",
    ]
    static let cModules = ["CCurl", "CPQ", "CRdKafka", "CZlib", "GRDB", "GRDBSQLite"]

    static let folder = [
        "Fetcher": "Sources/Fetcher", "Webhook": "Sources/Webhook", "Parser": "Sources/Parser",
        "Reports": "Sources/Reports", "Workspace": "Sources/Workspace",
    ]

    @Test("a service imports no other service", arguments: services)
    func siblings(service: String) throws {
        let files = try SourceTree.files(under: try #require(Self.folder[service]))
        try #require(!files.isEmpty)
        for file in files {
            #expect(file.imports.isDisjoint(with: Set(Self.services).subtracting([service])), "\(file)")
        }
    }

    @Test("Common names no service")
    func commonIsBelow() throws {
        for folder in ["Sources/Common", "Sources/Connectors"] {
            for file in try SourceTree.files(under: folder) {
                #expect(file.imports.isDisjoint(with: Self.services), "\(file)")
            }
        }
    }

    @Test("a service imports neither a backend nor a C module", arguments: services)
    func backendsAreChosenElsewhere(service: String) throws {
        for file in try SourceTree.files(under: try #require(Self.folder[service])) {
            #expect(file.imports.isDisjoint(with: Self.backends + Self.cModules), "\(file)")
        }
    }

    @Test("only the assembly chooses a backend")
    func assembly() throws {
        for file in try SourceTree.files(under: "Sources/Earshot") where !file.path.hasSuffix("/Assembly.swift") {
            #expect(file.imports.isDisjoint(with: Self.backends + Self.cModules), "\(file)")
        }
    }

    @Test("a backend imports no other backend", arguments: backends)
    func backendsAreApart(backend: String) throws {
        let files = try SourceTree.files(under: "Sources/Common/Backends/\(backend)")
        try #require(!files.isEmpty)
        for file in files {
            #expect(file.imports.isDisjoint(with: Set(Self.backends).subtracting([backend])), "\(file)")
        }
    }

    @Test("only the executable reads the environment")
    func environment() throws {
        for folder in ["Sources/Common", "Sources/Connectors"] + Self.folder.values.sorted() {
            for file in try SourceTree.files(under: folder) {
                for word in [
                    "ProcessInfo.processInfo.environment", "getenv(", "EnvironmentVariablesProvider",
                    "CommandLine.arguments",
                ] {
                    #expect(!file.text.contains(word), "\(file) uses \(word)")
                }
            }
        }
    }

    @Test("the executable reads the environment in one place, its settings")
    func settings() throws {
        for file in try SourceTree.files(under: "Sources/Earshot") where !file.path.hasSuffix("/App/Settings.swift") {
            for word in ["ProcessInfo.processInfo.environment", "getenv(", "EnvironmentVariablesProvider"] {
                #expect(!file.text.contains(word), "\(file) uses \(word)")
            }
        }
    }

    @Test("engines do no I/O")
    func enginesArePure() throws {
        for file in try SourceTree.files(under: "Sources/Parser/Engines") {
            #expect(
                file.imports.isDisjoint(with: ["Foundation", "FoundationNetworking", "Hummingbird", "ServiceKit"]),
                "\(file)")
        }
    }

    @Test("Reports does not read the raw topic, Parser does not fetch, Fetcher and Webhook do not analyse")
    func topics() throws {
        for file in try SourceTree.files(under: "Sources/Reports") {
            #expect(!file.text.contains("consumer(of: .raw"), "\(file)")
        }
        for file in try SourceTree.files(under: "Sources/Parser") {
            #expect(!file.text.contains("transport.send("), "\(file)")
        }
        for folder in ["Sources/Fetcher", "Sources/Webhook"] {
            for file in try SourceTree.files(under: folder) {
                #expect(!file.imports.contains("Engines"), "\(file)")
            }
        }
    }

    @Test("production code imports no test support")
    func testSupport() throws {
        for file in try SourceTree.files(under: "Sources") {
            #expect(file.imports.isDisjoint(with: ["TestKit", "Testing", "XCTest"]), "\(file)")
        }
    }

    @Test("every topic's payload has its schema")
    func schemas() throws {
        let topics = try String(
            contentsOf: SourceTree.root.appendingPathComponent("Sources/Common/Core/Log/Topic.swift"), encoding: .utf8)
        let schemas = [
            "earshot.raw": "raw-event", "earshot.feedback": "feedback", "earshot.dead-letters": "dead-letter",
            "earshot.connections": "directory", "earshot.fetch-requests": "fetch-request",
            "earshot.stream-status": "stream-status",
        ]
        let names = topics.matches(of: #/name: "(earshot\.[a-z-]+)"/#).map { String($0.1) }
        #expect(Set(names) == Set(schemas.keys))
        for name in names {
            let file = "schemas/\(schemas[name] ?? name).v1.schema.json"
            let data = try Data(contentsOf: SourceTree.root.appendingPathComponent(file))
            #expect(try JSONSerialization.jsonObject(with: data) is [String: Any], "\(file)")
        }
    }
}
