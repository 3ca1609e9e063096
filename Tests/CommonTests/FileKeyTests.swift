import Common
import Testing

@Suite("Names of files")
struct FileKeyTests {
    private let workspace = WorkspaceID("ws_a")!
    private let other = WorkspaceID("ws_b")!

    @Test(
        "a name that could lead elsewhere is none",
        arguments: [
            "", "/", "/etc/passwd", "../ws_b/x", "a/../b", "a/..", ".", "a/./b", "a//b", "a/", ".uploads/x", "a/.info",
            "a\\b", "a b", "a\0b", "ä", "a\nb", "a?b", "%2e%2e/x", String(repeating: "a", count: 201),
            String(repeating: "abcdefghi/", count: 60) + "x",
        ])
    func refused(path: String) { #expect(FileKey(workspace, path) == nil && FileFolder(workspace, path) == nil) }

    @Test("plain names are names", arguments: ["a", "reports/job_1/2.csv", "A-b_c.d", "a/b/c/d/e", "a..b"])
    func accepted(path: String) { #expect(FileKey(workspace, path) != nil) }

    @Test("a folder holds what is in it, and not what begins like it")
    func folders() throws {
        let folder = try #require(FileFolder(workspace, "reports/job_1"))
        #expect(folder.contains(try #require(FileKey(workspace, "reports/job_1/a/b"))))
        #expect(!folder.contains(try #require(FileKey(workspace, "reports/job_10/a"))))
        #expect(!folder.contains(try #require(FileKey(workspace, "reports/job_1"))))
        #expect(!folder.contains(try #require(FileKey(other, "reports/job_1/a"))))
        #expect(FileFolder(workspace).contains(try #require(FileKey(workspace, "x"))))
    }
}
