import Common
import Foundation
import Glibc
import LocalFiles
import TestKit
import Testing

@Suite("Files in a folder")
struct LocalFilesTests {
    private static let key = FileKey(WorkspaceID("ws_a")!, "reports/one.csv")!

    @Test("keeps the contract of a file storage", arguments: FileStorageConformance.behaviours)
    func contract(behaviour: FileStorageBehaviour) async throws {
        let folder = try TemporaryFolder()
        try await behaviour.check(FileStorageBench { try LocalFiles(folder: folder.file("files")) })
    }

    @Test("a file that a backup brought back is summed up anew")
    func restored() async throws {
        let folder = try TemporaryFolder()
        let files = try LocalFiles(folder: folder.path)
        let bytes = Array("id,text\r\n1,hello\r\n".utf8)
        let made = try await files.put(bytes, as: Self.key, contentType: "text/csv")
        let path = folder.file("ws_a/reports/one.csv")
        try FileManager.default.copyItem(atPath: path, toPath: path + ".copy")
        #expect(rename(path + ".copy", path) == 0)
        let info = try #require(try await files.info(Self.key))
        #expect(info.sha256 == made.sha256 && info.contentType == "text/csv")
        try Data("other bytes".utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        #expect(try await files.info(Self.key)?.sha256 == FileSum.of(Array("other bytes".utf8)))
    }

    @Test("an upload that is being written is nobody else's to go on with")
    func twoWriters() async throws {
        let folder = try TemporaryFolder()
        let files = try LocalFiles(folder: folder.path)
        let upload = try await files.begin(Self.key, contentType: "text/csv")
        try await upload.write([1])
        await #expect {
            _ = try await LocalFiles(folder: folder.path).resume(upload.id, of: Self.key)
        } throws: {
            if case FileStorageError.unavailable = $0 { true } else { false }
        }
        #expect(try await files.abandonUploads(before: .now.advanced(bySeconds: 60)) == 0)
        #expect(try await upload.finish().size == 1)
    }

    @Test("a link in the folder leads nowhere")
    func symbolicLink() async throws {
        let folder = try TemporaryFolder()
        let files = try LocalFiles(folder: folder.file("files"))
        try Data("secret".utf8).write(to: URL(fileURLWithPath: folder.file("secret")))
        try await files.put([1], as: Self.key, contentType: "text/csv")
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("files/ws_a/reports/link"), withDestinationPath: folder.file("secret"))
        let link = FileKey(WorkspaceID("ws_a")!, "reports/link")!
        await #expect(throws: FileStorageError.self) { try await files.read(link, from: 0, limit: 10) }
        #expect(try await files.list(FileFolder(link.workspace), after: nil, limit: 10).map(\.key) == [Self.key])
    }

    @Test("a folder that is deleted leaves nothing, not what a writer had begun that was killed, nor empty folders")
    func rest() async throws {
        let folder = try TemporaryFolder()
        let files = try LocalFiles(folder: folder.path)
        try await files.put([1], as: Self.key, contentType: "text/csv")
        for left in ["ws_a/reports/two/a", ".info/ws_a/reports/two/a"] {
            try FileManager.default.createDirectory(atPath: folder.file(left), withIntermediateDirectories: true)
        }
        try Data("{}".utf8).write(to: URL(fileURLWithPath: folder.file(".info/ws_a/reports/two/a/x.csv.json")))
        try await files.deleteAll(in: FileFolder(WorkspaceID("ws_a")!, "reports/two")!)
        for gone in ["ws_a/reports/two", ".info/ws_a/reports/two"] {
            #expect(!FileManager.default.fileExists(atPath: folder.file(gone)))
        }
        #expect(try await files.contents(Self.key, limit: 10) == [1])
        try await files.deleteAll(in: FileFolder(WorkspaceID("ws_a")!))
        for gone in ["ws_a", ".info/ws_a"] { #expect(!FileManager.default.fileExists(atPath: folder.file(gone))) }
    }

    @Test("what a folder cannot take is said by what is to be done")
    func unusableFolder() async throws {
        let folder = try TemporaryFolder()
        try Data().write(to: URL(fileURLWithPath: folder.file("file")))
        #expect {
            _ = try LocalFiles(folder: folder.file("file"))
        } throws: {
            if case FileStorageError.refused(let reason) = $0 { reason.contains(folder.file("file")) } else { false }
        }
    }
}
