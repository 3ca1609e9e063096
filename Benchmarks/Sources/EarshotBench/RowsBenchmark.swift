import ArgumentParser
import Compression
import Foundation
import Rows

/// Files: how fast rows are found and made JSON, beside a bare copy of the bytes.
struct RowsBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rows", abstract: "Read JSON Lines, CSV and gzip: megabytes a second.")

    @Option(help: "Megabytes of each text.") var megabytes = 64

    func run() throws {
        let lines = text {
            #"{"id":\#($0),"text":"The export of report \#($0) fails since the update, again.","rating":2}"# + "\n"
        }
        let quoted = text { "\($0),\"The export, of report \($0),\nfails \"\"since\"\" the update, again.\",2\r\n" }
        let plain = text { "\($0);The export of report \($0) fails since the update, again;2\n" }
        let packed = try Deflater.deflate(lines, level: 6)
        var table = Table("", "MB/s", "wanted")
        table.add("bare copy, 256 KiB at a time", rate(lines.count) { copy(lines) }, "")
        table.add("JSON Lines: rows found", rate(lines.count) { read(lines, .jsonLines, makesJSON: false) }, "200")
        table.add("JSON Lines: rows validated", rate(lines.count) { read(lines, .jsonLines, makesJSON: true) }, "")
        let csvHeader = Array("id,text,rating\r\n".utf8)
        let otherHeader = Array("id;text;rating\n".utf8)
        table.add(
            "CSV, quoted: rows found", rate(quoted.count) { read(csvHeader + quoted, .csv, makesJSON: false) }, "100")
        table.add(
            "CSV, quoted: rows as JSON", rate(quoted.count) { read(csvHeader + quoted, .csv, makesJSON: true) }, "")
        table.add(
            "CSV, plain: rows found", rate(plain.count) { read(otherHeader + plain, .csv, makesJSON: false) }, "100")
        table.add(
            "CSV, plain: rows as JSON", rate(plain.count) { read(otherHeader + plain, .csv, makesJSON: true) }, "")
        table.add("gunzip (of what comes out)", rate(lines.count) { inflate(packed) }, "")
        table.show()
    }

    private func text(_ row: (Int) -> String) -> [UInt8] {
        var bytes: [UInt8] = []
        var number = 0
        while bytes.count < megabytes << 20 {
            number += 1
            bytes.append(contentsOf: row(number).utf8)
        }
        return bytes
    }

    private func rate(_ bytes: Int, _ work: () -> Int) -> String {
        let seconds = (0..<3).map { _ in
            let begun = ContinuousClock.now
            precondition(work() > 0, "nothing was read")
            return (ContinuousClock.now - begun).inSeconds
        }
        return grouped(Double(bytes) / 1e6 / median(seconds))
    }

    private func pieces(of bytes: [UInt8], _ use: (ArraySlice<UInt8>) -> Void) {
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + 256 << 10)
            use(bytes[at..<end])
            at = end
        }
    }

    private func copy(_ bytes: [UInt8]) -> Int {
        var sum = 0
        pieces(of: bytes) { sum += Array($0).count }
        return sum
    }

    private func read(_ bytes: [UInt8], _ format: RowFormat, makesJSON: Bool) -> Int {
        var reader = RowReader(format: format)
        var sum = 0
        func drain() {
            while let row = reader.next() {
                sum += makesJSON ? ((try? reader.json(of: row).count) ?? 0) : row.text.count
            }
        }
        pieces(of: bytes) {
            reader.feed($0)
            drain()
        }
        reader.finish()
        drain()
        return sum
    }

    private func inflate(_ packed: [UInt8]) -> Int {
        (try? Inflater.inflate(packed, as: .gzip, limits: InflateLimits(maximumBytes: 1 << 30)).count) ?? 0
    }
}
