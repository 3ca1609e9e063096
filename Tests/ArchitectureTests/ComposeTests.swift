import Foundation
import Testing
import Yams

/// What can be told of `compose/` without starting it: files parse, name one another, and know the roles and routes.
@Suite("Composing the roles")
struct ComposeTests {
    private static let folder = SourceTree.root.appendingPathComponent("compose")
    private static let roles = ["workspace", "reports", "parser", "webhook", "fetcher"]

    private static func text(_ file: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
    }

    private static func yaml(_ file: String) throws -> [String: Any] {
        try #require(Yams.load(yaml: text(file)) as? [String: Any])
    }

    @Test(
        "services wait for services and use volumes and files that are there", arguments: ["embedded", "distributed"])
    func composition(name: String) throws {
        let file = try Self.yaml("\(name).yaml")
        let services = try #require(file["services"] as? [String: [String: Any]])
        let volumes = Set((file["volumes"] as? [String: Any] ?? [:]).keys)
        for (service, definition) in services {
            #expect(definition["image"] is String, "\(service)")
            let waits =
                (definition["depends_on"] as? [String: Any])?.keys.map { $0 } ?? definition["depends_on"] as? [String]
            for other in waits ?? [] { #expect(services[other] != nil, "\(service) waits for \(other)") }
            for mount in definition["volumes"] as? [String] ?? [] {
                let source = String(mount.prefix { $0 != ":" })
                let path = Self.folder.appendingPathComponent(source).standardized.path
                #expect(
                    source.hasPrefix(".") ? FileManager.default.fileExists(atPath: path) : volumes.contains(source),
                    "\(service) mounts \(source)")
            }
            if let build = definition["build"] as? [String: String] {
                let dockerfile = SourceTree.root.appendingPathComponent(build["dockerfile"] ?? "").path
                #expect(FileManager.default.fileExists(atPath: dockerfile))
            }
        }
    }

    @Test("every role runs apart, with the settings that it needs")
    func rolesApart() throws {
        let services = try #require(try Self.yaml("distributed.yaml")["services"] as? [String: [String: Any]])
        for role in Self.roles {
            let service = try #require(services[role], "\(role)")
            #expect(service["command"] as? [String] == ["serve", "--role", role])
            let environment = try #require(service["environment"] as? [String: String])
            for setting in ["EARSHOT_LOG", "EARSHOT_DATABASE", "EARSHOT_MASTER_KEY", "EARSHOT_HTTP_PUBLIC_URL"] {
                #expect(environment[setting] != nil, "\(role) \(setting)")
            }
            #expect(environment["EARSHOT_HTTP_PORT"] == "8080", "the gateway and Prometheus look there")
        }
    }

    @Test("the gateway sends every route to the role that has it")
    func gateway() throws {
        var rules: [(pattern: Regex<AnyRegexOutput>, role: String)] = []
        for line in try Self.text("gateway.conf").split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            guard words.count == 2, words[0].hasPrefix("~"), words[1].hasSuffix(";") else { continue }
            rules.append((try Regex(String(words[0].dropFirst())), String(words[1].dropLast())))
        }
        #expect(rules.count >= 5)
        let route = try Regex(#"router\.(?:get|post|put|patch|delete)\("([^"]+)""#)
        var routes = 0
        for role in Self.roles {
            for file in try SourceTree.files(under: "Sources/\(role.capitalized)") {
                for match in file.text.matches(of: route) {
                    let path = try #require(match.output[1].substring)
                    let parts = path.split(separator: "/").map { part in
                        part.hasPrefix(":") || part.hasPrefix("{") ? "x1" : String(part)
                    }
                    let request = "/" + parts.joined(separator: "/")
                    let rule = rules.first { request.firstMatch(of: $0.pattern) != nil }
                    let target = rule?.role ?? "workspace"
                    #expect(target == role, "\(path)")
                    routes += 1
                }
            }
        }
        #expect(routes > 30)
    }

    @Test("the dashboard and Prometheus ask for metrics and roles that there are")
    func watching() throws {
        let names = try Self.text("../Sources/Common/ServiceKit/Observability/MetricName.swift")
        let dashboard = try Self.text("grafana/dashboard.json")
        _ = try JSONSerialization.jsonObject(with: Data(dashboard.utf8))
        let asked = dashboard.matches(of: try Regex("earshot_[a-z_]+")).map { String(dashboard[$0.range]) }
        #expect(asked.count > 5)
        for name in Set(asked) { #expect(names.contains("\"\(name)\""), "\(name)") }
        let prometheus = try Self.text("prometheus.yaml")
        _ = try Self.yaml("prometheus.yaml")
        for role in Self.roles { #expect(prometheus.contains(role)) }
        for file in ["grafana/datasource.yaml", "grafana/provider.yaml"] { _ = try Self.yaml(file) }
    }
}
