import Foundation

/// Recorded payloads and data sets, which are not part of the repository.
///
/// A test that needs them says so: `@Test(.enabled(if: Fixtures.recorded.isPresent))`.
public struct Fixtures: Sendable {
    /// Name of the environment variable that says where they are.
    public let variable: String
    /// Their folder; nil if the variable is not set.
    public let folder: String?

    /// Payloads as providers sent them: `EARSHOT_FIXTURES`.
    public static let recorded = Fixtures(variable: "EARSHOT_FIXTURES")
    /// Labelled texts that the engines are measured against: `EARSHOT_DATA`.
    public static let data = Fixtures(variable: "EARSHOT_DATA")

    private init(variable: String) {
        self.variable = variable
        let value = ProcessInfo.processInfo.environment[variable] ?? ""
        folder = value.isEmpty ? nil : value
        if folder == nil { print("\(variable) is not set: tests that need it are skipped") }
    }

    public var isPresent: Bool { folder != nil }

    /// The path of a file.
    ///
    /// - Throws: ``MissingFixtures`` if the variable is not set.
    public func path(_ relative: String) throws -> String {
        guard let folder else { throw MissingFixtures(variable: variable) }
        return folder + "/" + relative
    }

    /// The bytes of a file.
    public func bytes(_ relative: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: try path(relative))))
    }

    /// The names in a folder, sorted, those that end in `suffix`.
    public func list(_ relative: String, suffix: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: try path(relative)).filter { $0.hasSuffix(suffix) }.sorted()
    }
}

/// A test asked for fixtures without being enabled by them.
public struct MissingFixtures: Error, CustomStringConvertible {
    public let variable: String
    public var description: String { "set \(variable) to the folder of the fixtures" }
}
