import Common
import Testing

extension FileStorageConformance {
    static let writing: [FileStorageBehaviour] = [
        FileStorageBehaviour("keeps a file whole, whatever its size, and knows its size, sum and type") { bench in
            let files = try await bench.open()
            for size in [0, 1, 70_000, 13 << 20] {
                let bytes = TestFiles.bytes(size)
                let key = TestFiles.key("sizes/\(size).bin")
                let upload = try await files.begin(key, contentType: "text/csv; charset=utf-8")
                for piece in TestFiles.pieces(bytes, of: 1 << 20) { try await upload.write(piece) }
                let made = try await upload.finish()
                #expect(made.size == size && made.sha256 == FileSum.of(bytes))
                let info = try #require(try await bench.open().info(key))
                #expect(info.size == size && info.sha256 == made.sha256)
                #expect(info.contentType == "text/csv; charset=utf-8")
                #expect(abs(Timestamp.now.milliseconds - info.modified.milliseconds) < 60_000)
                var found: [UInt8] = []
                for try await piece in files.stream(info, piece: 5_000_001) { found += piece }
                #expect(found == bytes)
            }
        },
        FileStorageBehaviour("shows nobody a file before it is finished, nor one that was abandoned") { bench in
            let files = try await bench.open()
            let key = TestFiles.key("folder/hidden.txt")
            let upload = try await files.begin(key, contentType: "text/plain")
            try await upload.write(TestFiles.bytes(9 << 20))
            #expect(try await files.info(key) == nil)
            #expect(try await files.list(FileFolder(TestFiles.a), after: nil, limit: 10).isEmpty)
            await #expect(throws: FileStorageError.self) { try await files.read(key, from: 0, limit: 1) }
            await upload.abandon()
            #expect(try await files.info(key) == nil)
            await #expect(throws: FileStorageError.self) { try await upload.finish() }
            await #expect(throws: FileStorageError.self) { try await files.resume(upload.id, of: key) }
        },
        FileStorageBehaviour("goes on where an upload is durable, also when it was begun elsewhere") { bench in
            let bytes = TestFiles.bytes(21 << 20)
            let key = TestFiles.key("resumed.bin")
            let id: String
            do {
                let first = try await bench.open().begin(key, contentType: "application/gzip")
                for piece in TestFiles.pieces(bytes, of: 3 << 20).prefix(6) { try await first.write(piece) }
                id = first.id
            }
            let files = try await bench.open()
            await #expect(throws: FileStorageError.self) {
                try await files.resume(id, of: TestFiles.key("another.bin"))
            }
            await #expect(throws: FileStorageError.self) {
                try await files.resume(id, of: TestFiles.key("resumed.bin", TestFiles.b))
            }
            await #expect(throws: FileStorageError.self) { try await files.resume("../\(id)", of: key) }
            let again = try await files.resume(id, of: key)
            let durable = again.durable
            #expect(durable >= 5 << 20 && durable <= 18 << 20)
            for piece in TestFiles.pieces(Array(bytes[durable...]), of: 2 << 20) { try await again.write(piece) }
            let made = try await again.finish()
            #expect(made.size == bytes.count && made.sha256 == FileSum.of(bytes))
            #expect(made.contentType == "application/gzip")
            #expect(try await files.info(key)?.sha256 == made.sha256)
            #expect(
                try await files.read(key, from: durable - 10, limit: 20) == Array(bytes[durable - 10..<durable + 10]))
            await #expect(throws: FileStorageError.self) { try await files.resume(id, of: key) }
        },
        FileStorageBehaviour("shows the new file where a key is written again, and the old one until then") { bench in
            let files = try await bench.open()
            let key = TestFiles.key("again.txt")
            try await files.put(Array("first".utf8), as: key, contentType: "text/plain")
            let upload = try await files.begin(key, contentType: "text/html")
            try await upload.write(Array("second one".utf8))
            #expect(try await files.contents(key, limit: 100) == Array("first".utf8))
            #expect(try await files.info(key)?.sha256 == FileSum.of(Array("first".utf8)))
            _ = try await upload.finish()
            #expect(try await files.contents(key, limit: 100) == Array("second one".utf8))
            let info = try #require(try await files.info(key))
            #expect(info.sha256 == FileSum.of(Array("second one".utf8)) && info.contentType == "text/html")
        },
        FileStorageBehaviour("abandons uploads that nobody goes on with, and no others") { bench in
            let files = try await bench.open()
            let old = try await files.begin(TestFiles.key("old.bin"), contentType: "text/plain")
            // So many that a storage of parts has one, which says when it came
            try await old.write(TestFiles.bytes(11 << 20))
            #expect(try await files.abandonUploads(before: .now.advanced(bySeconds: -3600)) == 0)
            _ = try await old.finish()
            let id: String
            do { id = try await files.begin(TestFiles.key("left.bin"), contentType: "text/plain").id }
            // One whose beginning was answered and not heard of is among them
            #expect(try await files.abandonUploads(before: .now.advanced(bySeconds: 3600)) >= 1)
            await #expect(throws: FileStorageError.self) {
                try await files.resume(id, of: TestFiles.key("left.bin"))
            }
            #expect(try await files.info(TestFiles.key("old.bin")) != nil)
        },
        FileStorageBehaviour("stops at a workspace's quota, and says so") { bench in
            let files = LimitedFiles(try await bench.open(), quota: 1000)
            try await files.put(TestFiles.bytes(600), as: TestFiles.key("one"), contentType: "text/plain")
            await #expect {
                try await files.put(TestFiles.bytes(600), as: TestFiles.key("two"), contentType: "text/plain")
            } throws: {
                if case FileStorageError.overQuota = $0 { true } else { false }
            }
            #expect(try await files.info(TestFiles.key("two")) == nil)
            try await files.put(
                TestFiles.bytes(600), as: TestFiles.key("two", TestFiles.b), contentType: "text/plain")
            try await files.delete(TestFiles.key("one"))
            try await files.put(TestFiles.bytes(600), as: TestFiles.key("two"), contentType: "text/plain")
        },
    ]
}
