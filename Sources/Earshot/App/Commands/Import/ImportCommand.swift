import ArgumentParser
import ByteJSON
import Client
import Common
import Foundation
import Rows

/// `earshot import FILE`: streams a file of any size into a stream of a server.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Import feedback from a file: JSON Lines or CSV, gzip or zip of them, any size.",
        discussion: """
            Examples:
              earshot import reviews.csv --token $TOKEN --stream st_… --preview
              earshot import reviews.csv --token $TOKEN --stream st_… --map text=Review --map rating=Stars
              earshot import https://example.org/reviews.csv.gz --token $TOKEN --stream st_…
              earshot import --undo im_… --token $TOKEN
              zcat dump.jsonl.gz | earshot import - --token $TOKEN --stream st_… --key dump-june

            A file is sent, and imported by a job on the server; called again with the same file, this goes on where it \
            was. A file at an address is fetched by the server. Standard input, and a file with --direct, is put on the \
            log as it is sent.
            The token needs the scope write, and with --direct and --map manage as well.
            The text is all that a row needs. Which columns are which is guessed from names and contents; --preview shows \
            it, --map says it (docs/importing.md). Importing a file again adds nothing twice.
            """)

    @Argument(help: "The file, an address that the server fetches it from, or - for standard input.") var file: String?
    @OptionGroup var server: ServerOptions
    @Option(help: "The stream that takes the rows.") var stream: String?
    @Option(help: "The workspace whose only stream of files takes the rows, instead of --stream.") var workspace:
        String?
    @Flag(help: "Show what the first rows will be, and import nothing.") var preview = false
    @Flag(help: "Read all rows, count and keep the bad ones, and import nothing.") var dryRun = false
    @Option(help: ArgumentHelp("Take back what an import brought.", valueName: "import")) var undo: String?
    @Flag(help: "Have the rows put on the log as they are sent, without a job.") var direct = false
    @Flag(help: "Guess no columns.") var noGuess = false
    @Option(help: "What stands between fields: , ; tab or |.") var separator: String?
    @Flag(help: "The first row is a row, and names no columns.") var noHeader = false
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

    func validate() throws {
        guard undo == nil || file == nil else { throw ValidationError("--undo takes the import's id, and no file") }
        guard undo != nil || file != nil else { throw ValidationError("give a file, or --undo with an import's id") }
        guard undo != nil || stream != nil || workspace != nil else {
            throw ValidationError("give --stream, or --workspace if it has one stream of files")
        }
        guard !direct || !isElsewhere else {
            throw ValidationError("--direct sends a file; the server fetches this one")
        }
    }

    private var isElsewhere: Bool { file.map { $0.hasPrefix("https://") || $0.hasPrefix("http://") } ?? false }

    func run() async throws {
        try await reportingErrors {
            let client = try server.client()
            let job = ImportJobRun(client: client, patience: .seconds(patience), json: json)
            if let undo { return try await job.undo(undo) }
            let stream = try await target(client)
            let file = file ?? "-"
            if direct || file == "-" { return try await importDirectly(file, stream, client) }
            let input = isElsewhere ? nil : try ImportInput(file)
            var members: [String: JSON] = [
                "stream_id": .string(stream.rawValue), "name": .string((file as NSString).lastPathComponent),
                "guess": .bool(!noGuess),
            ]
            members["key"] = try (key ?? input?.derivedKey()).map { .string($0) }
            if input == nil { members["source"] = ["url": .string(file)] }
            members["mapping"] = try mapping()
            members["format"] = try rowFormat().map { .string($0.rawValue) }
            members["separator"] = separator.map { .string($0) }
            if noHeader { members["header"] = false }
            try await job.run(input, members, preview: preview, dryRun: dryRun)
        }
    }

    private func importDirectly(_ file: String, _ stream: StreamID, _ client: APIClient) async throws {
        do {
            let target = (stream: stream, format: try rowFormat())
            let input = try ImportInput(file)
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

    private func target(_ client: APIClient) async throws -> StreamID {
        if let stream {
            guard let id = StreamID(stream) else {
                throw ValidationError("--stream must look like st_…, not `\(stream)`")
            }
            return id
        }
        let page = try await client.json(
            "GET", "/v1/streams", query: [("workspace_id", workspace ?? ""), ("limit", "100")])
        let files = page["streams"]?.elements.filter { ["csv", "jsonl"].contains($0["connector"]?.string) } ?? []
        guard files.count == 1, let id = files[0]["stream_id"]?.string.flatMap({ StreamID($0) }) else {
            throw ValidationError(
                "\(workspace ?? "") has \(files.count) streams of the connectors csv and jsonl; name one by --stream")
        }
        return id
    }

    private func rowFormat() throws -> RowFormat? {
        guard let format else { return nil }
        guard let format = RowFormat(rawValue: format) else {
            throw ValidationError("--format is jsonl or csv, not `\(format)`")
        }
        return format
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
