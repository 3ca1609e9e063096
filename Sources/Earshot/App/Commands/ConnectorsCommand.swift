import ArgumentParser
import ByteJSON
import Connectors
import Fetcher
import Foundation

/// `earshot connectors`: what can be connected, and the tools of whoever adds a source.
struct ConnectorsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connectors", abstract: "List, check, test and begin connectors.",
        discussion: """
            A connector is one YAML file; docs/connectors.md walks through one.

            earshot connectors list
            earshot connectors new acme_desk --folder connectors
            earshot connectors check connectors/acme_desk.yaml
            earshot connectors test acme_desk --folder connectors
            """,
        subcommands: [List.self, Check.self, Test.self, New.self])

    /// A folder of the operator's own, as `earshot serve` is told.
    struct Folder: ParsableArguments {
        @Option(help: "A folder of manifests besides those that are built in.")
        var folder: String?

        var library: ConnectorLibrary { .load(folder: folder) }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the connectors that can be used.")
        @OptionGroup var folder: Folder
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let library = folder.library
            if json {
                let rows = library.manifests.map { manifest in
                    JSON.object([
                        "connector": .string(manifest.name), "version": .integer(Int64(manifest.version)),
                        "title": .string(manifest.title), "summary": .string(manifest.summary),
                        "pull": .bool(!manifest.read.isEmpty), "push": .bool(manifest.receive != nil),
                    ])
                }
                let problems = library.problems.map { JSON.string($0.description) }
                let whole = JSON.object(["connectors": .array(rows), "problems": .array(problems)])
                print(String(decoding: whole.bytes, as: UTF8.self))
            } else {
                for manifest in library.manifests {
                    let ways = [manifest.read.isEmpty ? nil : "pull", manifest.receive == nil ? nil : "push"]
                    let how = ways.compactMap(\.self).joined(separator: ", ")
                    print(
                        manifest.identity.padding(toLength: 24, withPad: " ", startingAt: 0)
                            + (how.isEmpty ? "import" : how).padding(toLength: 14, withPad: " ", startingAt: 0)
                            + manifest.summary)
                }
                for problem in library.problems { printError(problem) }
            }
            if !library.problems.isEmpty { throw ExitCode.misuse }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say what is wrong with manifests, if anything is.")
        @Argument(help: "Manifest files.") var files: [String]
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            var problems: [ManifestProblem] = []
            var good: [Manifest] = []
            for file in files {
                do throws(ManifestRefusal) {
                    good.append(try ManifestLoader.load(file: URL(filePath: file)))
                } catch {
                    problems += error.problems
                }
            }
            if json {
                let rows = problems.map { problem in
                    JSON.object([
                        "file": .string(problem.file), "line": .integer(Int64(problem.line)),
                        "column": .integer(Int64(problem.column)), "reason": .string(problem.reason),
                    ])
                }
                let whole = JSON.object([
                    "connectors": .array(good.map { .string($0.identity) }), "problems": .array(rows),
                ])
                print(String(decoding: whole.bytes, as: UTF8.self))
            } else {
                for manifest in good { print("\(manifest.identity): right") }
                for problem in problems { print(problem) }
            }
            if !problems.isEmpty { throw ExitCode.misuse }
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a connector's fixtures.",
            discussion: """
                The fixtures are looked for in FOLDER/fixtures/NAME, then in Tests/Fixtures/connectors/NAME. A case
                without `expect` fails and shows what it gives; --record writes that into it, to be looked over.
                A connector that polls is read over HTTP from a server on this machine, which plays its `provider`
                and answers with empty pages, 401, 429, 500 and malformed items, too.
                """)
        @Argument(help: "The connector's name.") var name: String
        @OptionGroup var folder: Folder
        @Option(help: "The folder with the connector's cases.") var fixtures: String?
        @Flag(help: "Write what cases without `expect` give into them.") var record = false
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await reportingErrors {
                let library = folder.library
                for problem in library.problems { printError(problem) }
                guard let manifest = library.manifests.first(where: { $0.name == name }) else {
                    printError("there is no connector `\(name)`; `earshot connectors list` shows them")
                    throw ExitCode.misuse
                }
                let kit = try ConformanceKit(manifest: manifest, folder: fixtureFolder)
                if record { try kit.record() }
                let recorded = record ? try ConformanceKit(manifest: manifest, folder: fixtureFolder) : kit
                let results =
                    try await recorded.run()
                    + Assembly.onTrial { try await PullConformance(recorded, context: $0).run() }
                show(results)
                if results.contains(where: { !$0.failures.isEmpty }) { throw ExitCode.failed }
            }
        }

        private var fixtureFolder: URL {
            if let fixtures { return URL(filePath: fixtures) }
            let own = URL(filePath: folder.folder ?? "connectors").appending(path: "fixtures/\(name)")
            if FileManager.default.fileExists(atPath: own.path) { return own }
            return URL(filePath: "Tests/Fixtures/connectors/\(name)")
        }

        private func show(_ results: [ConformanceKit.Result]) {
            if json {
                let rows = results.map { result in
                    JSON.object([
                        "case": .string(result.name), "about": .string(result.about),
                        "failures": .array(result.failures.map(JSON.string)),
                    ])
                }
                print(String(decoding: JSON.array(rows).bytes, as: UTF8.self))
                return
            }
            for result in results {
                print("\(result.failures.isEmpty ? "pass" : "FAIL")  \(result.name): \(result.about)")
                for failure in result.failures { print("      " + failure.replacing("\n", with: "\n      ")) }
            }
            let failed = results.count { !$0.failures.isEmpty }
            print(failed == 0 ? "\(results.count) cases pass" : "\(failed) of \(results.count) cases fail")
        }
    }

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin a connector: a commented manifest and a first fixture.")
        @Argument(help: "Its name: lower-case letters, digits and _.") var name: String
        @Option(help: "The folder of your own manifests.") var folder = "connectors"

        func run() async throws {
            try await reportingErrors {
                for file in try ManifestSkeleton.write(name: name, into: URL(filePath: folder)) {
                    print("wrote \(file.relativePath)")
                }
                print("next: edit it, then earshot connectors test \(name) --folder \(folder)")
            }
        }
    }
}
