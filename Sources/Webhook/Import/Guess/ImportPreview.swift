import ByteJSON
import Common
import Compression
import Connectors
import Rows
import ServiceKit

/// What an import will make of its file, as far as the first rows tell.
struct ImportPreview: Sendable {
    let packing: UnpackedBytes.Packing
    let encoding: RowGuess.Encoding
    let hasByteOrderMark: Bool
    let dialect: RowDialect
    let columns: [MappingGuess.Column]
    /// What lies over the stream's mapping: what was asked for, and what was guessed besides.
    let mapping: [String: JSON]
    let guessed: Set<String>
    /// Rows that were looked at, and how many of them can be read.
    let rows: Int
    let good: Int
    /// The first rows, as they will be.
    let shown: [JSON]

    private static let sampleBytes = 256 << 10
    private static let sampleRows = 200
    private static let shownRows = 10

    /// Reads the beginning of a file.
    ///
    /// - Throws: ``JobFailure`` if nothing can be made of it.
    static func make(
        of source: SourceBytes, _ record: ImportRecord, plan: ImportPlan, settings: ImportSettings
    ) async throws -> ImportPreview {
        let (packing, head, isWhole) = try await beginning(of: source, settings)
        let options = record.options
        let guess = RowGuess(firstBytes: head, isWhole: isWhole, format: options.format)
        var dialect = guess.dialect
        if let separator = options.separator { dialect.separator = Separator.byte(separator) }
        if let hasHeader = options.hasHeader { dialect.hasHeader = hasHeader }

        let sample = Sample(head, isWhole: isWhole, dialect, settings)
        let guesses = MappingGuess(sample.columns)
        let headers = plan.headers(record)
        let known = try sample.outcomes(by: plan.mapper(options.mapping), headers)
        var mapping = options.mapping
        var guessed: Set<String> = []
        if options.guesses, plan.isOfFiles {
            let fields = guesses.fields.subtracting(known.fields).subtracting(mapping.keys)
            let used = Set(mapping.values.compactMap(\.string))
            for (field, value) in guesses.mapping(of: fields) where !used.contains(value.string ?? "") {
                mapping[field] = value
                guessed.insert(field)
            }
            for (field, value) in guesses.scale(isKnown: known.fields.contains("rating") && !known.lacksScale)
            where mapping[field] == nil {
                mapping[field] = value
                guessed.insert(field)
            }
        }
        let final = try sample.outcomes(by: plan.mapper(mapping), headers)
        return ImportPreview(
            packing: packing, encoding: guess.encoding, hasByteOrderMark: guess.hasByteOrderMark, dialect: dialect,
            columns: guesses.columns, mapping: mapping, guessed: guessed, rows: sample.rows.count, good: final.good,
            shown: Array(final.shown.prefix(shownRows)))
    }

    private static func beginning(
        of source: SourceBytes, _ settings: ImportSettings
    ) async throws -> (UnpackedBytes.Packing, [UInt8], isWhole: Bool) {
        let bytes = try await UnpackedBytes(
            source, maximumRatio: settings.maximumRatio, maximumBytes: settings.maximumUnpackedBytes,
            pieceBytes: sampleBytes)
        var head: [UInt8] = []
        while head.count < sampleBytes {
            guard let piece = try await bytes.next() else { return (bytes.packing, head, true) }
            head += piece
        }
        return (bytes.packing, Array(head.prefix(sampleBytes)), false)
    }

    /// The first rows of a file.
    private struct Sample {
        var columns = RowSample()
        /// What can be read of them, or why it cannot.
        var rows: [(row: Row, json: Result<[UInt8], RowFault>)] = []

        init(_ head: [UInt8], isWhole: Bool, _ dialect: RowDialect, _ settings: ImportSettings) {
            var reader = RowReader(dialect: dialect, maximumRowBytes: settings.maximumRowBytes)
            reader.feed(head)
            if isWhole { reader.finish() }
            while rows.count < sampleRows, let row = reader.next() {
                if rows.isEmpty, let header = reader.header { columns = RowSample(columns: header.columns) }
                let json = Result { () throws(RowFault) in try reader.json(of: row) }
                rows.append((row, json))
                guard case .success(let bytes) = json else { continue }
                if reader.header != nil {
                    columns.add(row)
                } else if let root = try? JSONDocument(parsing: bytes).root {
                    columns.add(root)
                }
            }
        }

        struct Outcomes {
            var good = 0
            /// Fields that some row has.
            var fields: Set<String> = []
            /// Whether ratings come without a scale.
            var lacksScale = false
            var shown: [JSON] = []
        }

        func outcomes(by mapper: Mapper, _ headers: RecordHeaders) -> Outcomes {
            var result = Outcomes()
            for (row, json) in rows {
                var headers = headers
                headers.append(RawHeader.delivery, "preview:\(row.number)")
                let outcome: MappingOutcome =
                    switch json {
                    case .success(let json): mapper.map(json, headers: headers).first ?? .filtered(reason: "no items")
                    case .failure(let fault): .malformed(reason: fault.description)
                    }
                if case .item(let item) = outcome {
                    result.good += 1
                    result.fields.formUnion(item.fields(delivery: "preview:\(row.number)"))
                    if item.rating != nil, item.ratingScale == nil { result.lacksScale = true }
                } else if case .filtered = outcome {
                    result.good += 1
                }
                if result.shown.count < shownRows {
                    var members = outcome.json.object ?? [:]
                    members["row"] = .integer(Int64(row.number))
                    members["line"] = .integer(Int64(row.line))
                    result.shown.append(.object(members))
                }
            }
            return result
        }
    }
}

extension ImportPreview {
    var json: JSON {
        var dialect: [String: JSON] = ["format": .string(self.dialect.format.rawValue)]
        if self.dialect.format == .csv {
            dialect["separator"] = self.dialect.separator.map { .string(Separator.name($0)) }
            dialect["header"] = .bool(self.dialect.hasHeader)
        }
        let columns = self.columns.map { column in
            var members: [String: JSON] = [
                "name": .string(column.name.joined(separator: ".")), "kind": .string(column.kind.name),
            ]
            members["date_format"] = column.kind.dateFormat.map { .string($0) }
            members["looks_like"] = column.field.map { .string($0) }
            return JSON.object(members)
        }
        return [
            "packing": .string(packing.name), "encoding": .string(encoding.rawValue),
            "byte_order_mark": .bool(hasByteOrderMark), "dialect": .object(dialect), "columns": .array(columns),
            "mapping": .object(mapping), "guessed": .array(guessed.sorted().map { .string($0) }),
            "rows": .integer(Int64(rows)), "good": .integer(Int64(good)), "shown": .array(shown),
        ]
    }
}

/// Separators by the names that people give them.
enum Separator {
    static let names = [",", ";", "tab", "|"]

    static func byte(_ name: String) -> UInt8? { name == "tab" ? 0x09 : name.utf8.first }
    static func name(_ byte: UInt8) -> String { byte == 0x09 ? "tab" : String(UnicodeScalar(byte)) }
}

extension MappedItem {
    /// The fields that it has, as mappings name them.
    fileprivate func fields(delivery: String) -> Set<String> {
        var fields: Set<String> = []
        if !textBytes.isEmpty { fields.insert("text") }
        if externalID != delivery { fields.insert("external_id") }
        if !timeIsAssumed { fields.formUnion(["created_at"]) }
        let present: [(String, Bool)] = [
            ("title", title != nil), ("url", url != nil), ("updated_at", updatedAt != nil), ("rating", rating != nil),
            ("product_version", productVersion != nil), ("platform", platform != nil), ("language", language != nil),
            ("author_id", author.id != nil), ("author_name", author.name != nil), ("author_email", author.email != nil),
            ("country", author.country != nil),
        ]
        for (field, isThere) in present where isThere { fields.insert(field) }
        return fields
    }
}

extension MappingGuess {
    /// The scale of ratings that say none and are over five: ten, or a hundred.
    fileprivate func scale(isKnown: Bool) -> [String: JSON] {
        guard !isKnown, let rating = columns.first(where: { $0.field == "rating" }),
            case .number(_, _, let greatest) = rating.kind, greatest > 5
        else { return [:] }
        return ["rating_minimum": ["const": 0], "rating_maximum": ["const": .integer(greatest > 10 ? 100 : 10)]]
    }
}
