import Common
import Testing

extension FileStorageConformance {
    static let reading: [FileStorageBehaviour] = [
        FileStorageBehaviour("reads any part, and nothing behind the end") { bench in
            let files = try await bench.open()
            let key = TestFiles.key("ranges.bin")
            let bytes = TestFiles.bytes(100_000)
            try await files.put(bytes, as: key, contentType: "application/octet-stream")
            for (offset, limit) in [
                (0, 1), (0, 100_000), (50_000, 10), (99_999, 5), (100_000, 5), (500_000, 5), (7, 0),
            ] {
                let expected = bytes.dropFirst(offset).prefix(limit)
                #expect(try await files.read(key, from: offset, limit: limit) == Array(expected), "\(offset) \(limit)")
            }
        },
        FileStorageBehaviour("says that a file is not there") { bench in
            let files = try await bench.open()
            let key = TestFiles.key("nothing/here.txt")
            #expect(try await files.info(key) == nil)
            await #expect {
                _ = try await files.read(key, from: 0, limit: 10)
            } throws: {
                if case FileStorageError.notFound(let reason) = $0 { reason.contains(key.path) } else { false }
            }
        },
        FileStorageBehaviour("lists a folder in the order of the paths, page by page") { bench in
            let files = try await bench.open()
            let paths = ["a-b.txt", "a/1.txt", "a/2/x.txt", "a/2/y.txt", "aa.txt", "b/1.txt"]
            for path in paths.reversed() {
                try await files.put(Array(path.utf8), as: TestFiles.key(path), contentType: "text/plain")
            }
            try await files.put([1], as: TestFiles.key("a/other", TestFiles.b), contentType: "text/plain")
            var found: [FileEntry] = []
            while true {
                let page = try await files.list(
                    FileFolder(TestFiles.a), after: found.last?.key.path, limit: 2)
                if page.isEmpty { break }
                #expect(page.count == 2)
                found += page
            }
            #expect(found.map(\.key.path) == paths)
            #expect(found.map(\.size) == paths.map(\.utf8.count))
            let inner = try await files.list(FileFolder(TestFiles.a, "a")!, after: nil, limit: 1000)
            #expect(inner.map(\.key.path) == ["a/1.txt", "a/2/x.txt", "a/2/y.txt"])
            #expect(try await files.list(FileFolder(TestFiles.a, "c")!, after: nil, limit: 10).isEmpty)
            #expect(try await files.size(of: FileFolder(TestFiles.a)) == paths.reduce(0) { $0 + $1.utf8.count })
        },
    ]

    static let removing: [FileStorageBehaviour] = [
        FileStorageBehaviour("removes one file, all of a folder, all of a workspace, and nothing of another") { bench in
            let files = try await bench.open()
            for workspace in [TestFiles.a, TestFiles.b] {
                for path in ["r/1/x", "r/1/y", "r/10/z", "s"] {
                    try await files.put([1, 2], as: TestFiles.key(path, workspace), contentType: "text/plain")
                }
            }
            func left(_ workspace: WorkspaceID) async throws -> [String] {
                try await files.list(FileFolder(workspace), after: nil, limit: 100).map(\.key.path)
            }
            try await files.delete(TestFiles.key("r/1/x"))
            try await files.delete(TestFiles.key("r/1/x"))
            #expect(try await left(TestFiles.a) == ["r/1/y", "r/10/z", "s"])
            let open = try await files.begin(TestFiles.key("r/1/late"), contentType: "text/plain")
            try await open.write([1])
            try await files.deleteAll(in: FileFolder(TestFiles.a, "r/1")!)
            #expect(try await left(TestFiles.a) == ["r/10/z", "s"])
            #expect(try await files.info(TestFiles.key("r/1/y")) == nil)
            await #expect(throws: FileStorageError.self) { try await open.finish() }
            try await files.deleteAll(in: FileFolder(TestFiles.a))
            #expect(try await left(TestFiles.a).isEmpty)
            #expect(try await left(TestFiles.b) == ["r/1/x", "r/1/y", "r/10/z", "s"])
            try await files.deleteAll(in: FileFolder(TestFiles.a))
        },
        FileStorageBehaviour("takes files of one name for two while many write at once") { bench in
            let files = try await bench.open()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        let workspace = number.isMultiple(of: 2) ? TestFiles.a : TestFiles.b
                        let key = TestFiles.key("many/\(number / 2).txt", workspace)
                        try await files.put(Array("\(number)".utf8), as: key, contentType: "text/plain")
                        try await files.delete(TestFiles.key("many/x-\(number)", workspace))
                    }
                }
                try await group.waitForAll()
            }
            for number in 0..<16 {
                let key = TestFiles.key("many/\(number / 2).txt", number.isMultiple(of: 2) ? TestFiles.a : TestFiles.b)
                #expect(try await files.contents(key, limit: 10) == Array("\(number)".utf8))
            }
        },
    ]
}
