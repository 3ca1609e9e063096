import ArgumentParser
import ByteJSON
import Client
import Common
import Crypto
import Foundation
import Rows

/// `earshot import FILE`: streams a file of any size into a stream of a server.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import feedback from a file: JSON Lines or CSV, gzip of them, any size.",
        discussion: """
            Examples:
              earshot import reviews.csv --token $TOKEN --stream st_… --map text=Review --map rating=Stars
              zcat dump.jsonl.gz | earshot import - --token $TOKEN --stream st_… --key dump-june

            The token needs the scope write, and with --map manage as well.
            The text is all that a row needs. Names that are understood without --map: id, text, title, created_at, \
            rating, language, url, author.name, … (docs/importing.md). Importing a file again adds nothing twice; a \
            connection that breaks is taken up again.
            """)

    @Argument(help: "The file, or - for standard input.") var file: String
    @OptionGroup var server: ServerOptions
    @Option(help: "The stream that takes the rows.") var stream: String
    @Option(
        help: ArgumentHelp("Which column (or path) a field comes from; may be repeated.", valueName: "field=column"))
    var map: [String] = []
    @Option(help: "A JSON file with the stream's mapping: {\"text\": \"Review\"}.") var mapFile: String?
    @Option(help: "jsonl or csv; without it, the first bytes tell.") var format: String?
    @Option(help: "Names the file, so that sending it again adds nothing twice; without it, made of its content.")
    var key: String?
    @Option(help: "Begin at this row.") var fromRow = 1
    @Option(help: "Seconds that the server may be away before the import gives up.") var patience = 300
    @Flag(help: "Print the outcome as JSON, and no progress.") var json = false

    func run() async throws {
        try await reportingErrors {
            let target = try target()
            let input = try ImportInput(file)
            let client = try server.client()
            if let mapping = try mapping() {
                try await client.send(
                    "PATCH", "/v1/streams/\(target.stream)", body: JSON.object(["mapping": mapping]).bytes)
            }
            let key = try key ?? input.derivedKey()
            var display = ProgressLine(total: input.size, isShown: !json && isatty(STDERR_FILENO) == 1)
            var last = FileImport.Progress()
            do {
                let outcome = try await FileImport(
                    client: client, stream: target.stream, key: key, format: target.format, fromRow: fromRow,
                    patience: .seconds(patience)
                ).run(read: input.read) { progress in
                    last = progress
                    display.show(progress)
                }
                display.clear()
                tell(outcome, key: key, seconds: display.seconds)
            } catch {
                display.clear()
                if last.rows > 0 {
                    printError("the server has \(last.rows) rows; go on with --key \(key) --from-row \(last.nextRow)")
                }
                throw error
            }
        }
    }

    private func target() throws -> (stream: StreamID, format: RowFormat?) {
        guard let id = StreamID(stream) else { throw ValidationError("--stream must look like st_…, not `\(stream)`") }
        guard let format else { return (id, nil) }
        guard let format = RowFormat(rawValue: format) else {
            throw ValidationError("--format is jsonl or csv, not `\(format)`")
        }
        return (id, format)
    }

    /// The mapping that the options ask for; nil leaves the stream's own.
    private func mapping() throws -> JSON? {
        var fields: [String: JSON] = [:]
        if let mapFile {
            guard let data = FileManager.default.contents(atPath: mapFile) else {
                throw ValidationError("the file \(mapFile) cannot be read")
            }
            guard let object = JSON((try JSONDocument(parsing: Array(data))).root).object else {
                throw ValidationError("\(mapFile) must hold a JSON object of fields and columns")
            }
            fields = object
        }
        for pair in map {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw ValidationError("--map takes field=column, not `\(pair)`") }
            fields[parts[0]] = .string(parts[1])
        }
        return fields.isEmpty ? nil : .object(fields)
    }

    private func tell(_ outcome: FileImport.Progress, key: String, seconds: Double) {
        if json {
            let errors = outcome.errors.map {
                JSON.object(["row": .integer(Int64($0.row)), "reason": .string($0.reason)])
            }
            let value: JSON = .object([
                "key": .string(key), "rows": .integer(Int64(outcome.rows)),
                "accepted": .integer(Int64(outcome.rows - outcome.malformed)),
                "malformed": .integer(Int64(outcome.malformed)), "bytes": .integer(Int64(outcome.bytes)),
                "retries": .integer(Int64(outcome.retries)), "seconds": .double((seconds * 1000).rounded() / 1000),
                "errors": .array(errors),
            ])
            print(String(decoding: value.bytes, as: UTF8.self))
            return
        }
        let rate = seconds > 0 ? Int(Double(outcome.rows) / seconds) : outcome.rows
        print(
            "\(outcome.rows.formatted()) rows in \(ProgressLine.time(seconds)), \(rate.formatted()) a second; key \(key)"
        )
        if outcome.malformed > 0 {
            print("\(outcome.malformed.formatted()) of them cannot be read; they are kept as dead letters:")
            for error in outcome.errors { print("  row \(error.row): \(error.reason)") }
            if outcome.malformed > outcome.errors.count { print("  …") }
        }
    }
}

/// Where the rows come from.
private struct ImportInput {
    let size: Int?
    private let handle: FileHandle
    private let isFile: Bool

    init(_ path: String) throws {
        guard path != "-" else {
            handle = .standardInput
            isFile = false
            size = nil
            return
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw ValidationError("the file \(path) cannot be read")
        }
        self.handle = handle
        isFile = true
        size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size].flatMap { ($0 as? NSNumber)?.intValue }
    }

    func read(_ count: Int) throws -> [UInt8] {
        try handle.read(upToCount: count).map(Array.init) ?? []
    }

    /// A key made of the content, so that the same file has the same key; what comes through a pipe gets a new one.
    func derivedKey() throws -> String {
        guard isFile else { return "import-" + JobID.make().rawValue.dropFirst(JobKind.prefix.count) }
        var hash = SHA256()
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { hash.update(data: piece) }
        try handle.seek(toOffset: 0)
        return "file-" + Base32.encode(hash.finalize().prefix(10))
    }
}

/// One line on the terminal that says how far the import is, drawn again some ten times a second.
private struct ProgressLine {
    private let total: Int?
    private let isShown: Bool
    private let begun = ContinuousClock.now
    private var drawn: ContinuousClock.Instant?

    init(total: Int?, isShown: Bool) {
        self.total = total
        self.isShown = isShown
    }

    var seconds: Double {
        let elapsed = (ContinuousClock.now - begun).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    }

    mutating func show(_ progress: FileImport.Progress) {
        let now = ContinuousClock.now
        guard isShown, drawn.map({ now - $0 >= .milliseconds(100) }) ?? true else { return }
        drawn = now
        let seconds = max(seconds, 0.001)
        var text = "\(progress.rows.formatted()) rows  \(Int(Double(progress.rows) / seconds).formatted())/s"
        if let total, total > 0 {
            let share = min(1, Double(progress.bytes) / Double(total))
            let filled = Int(share * 24)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
            let left = share > 0 ? seconds / share - seconds : 0
            text =
                "\(bar) \(Int(share * 100))%  \(Self.size(progress.bytes)) of \(Self.size(total))  \(text)  \(Self.time(left)) left"
        } else {
            text = "\(Self.size(progress.bytes))  \(text)"
        }
        if let trouble = progress.trouble { text = "waiting: \(trouble.prefix(80))  " + text }
        write("\r\u{1B}[2K" + text)
    }

    func clear() {
        if drawn != nil { write("\r\u{1B}[2K") }
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    static func time(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        return whole < 60 ? "\(whole) s" : "\(whole / 60):" + String(format: "%02d", whole % 60)
    }

    private static func size(_ bytes: Int) -> String {
        bytes < 1 << 20 ? "\(bytes >> 10) KB" : String(format: "%.1f MB", Double(bytes) / 1_048_576)
    }
}
