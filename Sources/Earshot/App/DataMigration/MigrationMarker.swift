import Common
import Crypto
import Foundation

/// What a data folder knows of having been copied: so that a copy that was cut short is gone on with, and nothing is
/// copied over what somebody else began to use.
struct MigrationMarker: Codable, Sendable {
    /// Where it is copied to, as a digest: addresses may hold passwords.
    var target: String
    var begunAt: String
    var finishedAt: String?
    /// The workspace that is copied; nil is everything.
    var workspace: WorkspaceID?
    /// Where the partitions of the target's raw topic ended before: what was carried over lies behind.
    var rawEnds: [Int64]?

    enum CodingKeys: String, CodingKey {
        case target, begunAt = "begun_at", finishedAt = "finished_at", workspace, rawEnds = "raw_ends"
    }

    static func read(from folder: DataFolder, workspace: WorkspaceID? = nil) -> MigrationMarker? {
        FileManager.default.contents(atPath: path(in: folder, workspace)).flatMap {
            try? JSONDecoder().decode(MigrationMarker.self, from: $0)
        }
    }

    func write(to folder: DataFolder) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try encoder.encode(self).write(to: URL(fileURLWithPath: Self.path(in: folder, workspace)), options: .atomic)
    }

    /// Stands for the place that settings name.
    static func name(of settings: Settings) -> String {
        let place = [settings.log?.reveal() ?? settings.data, settings.database?.reveal() ?? settings.data]
        return Base32.encode(SHA256.hash(data: Data(place.joined(separator: "\n").utf8)).prefix(16))
    }

    private static func path(in folder: DataFolder, _ workspace: WorkspaceID?) -> String {
        folder.path + "/migration\(workspace.map { "-\($0)" } ?? "").json"
    }
}

/// Why data is not copied, or not any further.
struct MigrationFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
