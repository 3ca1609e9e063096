import ByteJSON
import Common
import Rows

/// Which column of a file is which field: what names and contents tell.
struct MappingGuess: Sendable {
    /// What is known of a column.
    struct Column: Sendable, Hashable {
        let name: [String]
        let kind: ColumnKind
        /// The field that it is, as a mapping names it.
        var field: String?
    }

    var columns: [Column]

    init(_ sample: RowSample) {
        columns = sample.columns.map { Column(name: $0.name, kind: ColumnKind(of: $0), field: nil) }
        // The surest first: a column is one field, a field one column.
        var claims: [(column: Int, field: FieldName, strength: Int)] = []
        for (i, column) in columns.enumerated() {
            for field in FieldName.all {
                let strength = field.strength(of: column, values: sample.columns[i].values, rows: sample.rows)
                if strength > 0 { claims.append((i, field, strength)) }
            }
        }
        claims.sort { ($0.strength, -$0.column) > ($1.strength, -$1.column) }
        var taken: Set<String> = []
        for claim in claims where columns[claim.column].field == nil && taken.insert(claim.field.name).inserted {
            columns[claim.column].field = claim.field.name
        }
        if !taken.contains("created_at") {
            // Nothing is called a time: if one column has times, it is it.
            let times = columns.indices.filter { columns[$0].isTime && columns[$0].field == nil }
            if times.count == 1 { columns[times[0]].field = "created_at" }
        }
        if !taken.contains("text") {
            // Nothing is called a text: the column with the longest sentences is it.
            let longest = columns.indices.filter { columns[$0].field == nil || columns[$0].field == "title" }
                .compactMap { i in columns[i].kind.sentenceLength.map { (column: i, length: $0) } }
                .max { $0.length < $1.length }
            if let longest { columns[longest.column].field = "text" }
        }
    }

    /// The mapping of these fields, as a stream has it.
    func mapping(of fields: Set<String>) -> [String: JSON] {
        var mapping: [String: JSON] = [:]
        for column in columns {
            guard let field = column.field, fields.contains(field) else { continue }
            mapping[field] = column.expression
        }
        return mapping
    }

    var fields: Set<String> { Set(columns.compactMap(\.field)) }
}

extension MappingGuess.Column {
    /// Whether what it has is written as times are; numbers may be anything.
    fileprivate var isTime: Bool { if case .time = kind { true } else { false } }

    /// The column as a path, a dot inside of a name escaped.
    var path: String {
        name.map { $0.replacing("\\", with: "\\\\").replacing(".", with: "\\.") }.joined(separator: ".")
    }

    /// How a mapping reads the column. A date that is written otherwise is left to the mapping, which refuses what is none.
    var expression: JSON {
        let path: JSON = .string(self.path)
        guard field == "created_at" || field == "updated_at", case .time(let order) = kind else { return path }
        return switch order {
        case .yearFirst: path
        case .dayFirst, .either: [["day_first": path], path]
        case .monthFirst: [["month_first": path], path]
        }
    }
}

/// What the values of a column look like, taken together.
enum ColumnKind: Sendable, Hashable {
    case empty
    /// Whole numbers or not, from the least to the greatest.
    case number(isWhole: Bool, least: Double, greatest: Double)
    case time(WrittenTime)
    case email, address
    /// Several words; so many bytes on average.
    case text(averageBytes: Int)
    case word

    init(of column: RowSample.Column) {
        let values = column.values.prefix(200)
        guard !values.isEmpty else {
            self = .empty
            return
        }
        let kinds = values.map { ValueKind(of: $0) }
        // Nine in ten: one `n/a` makes no text of numbers.
        func most(_ matches: (ValueKind) -> Bool) -> Bool { kinds.count(where: matches) * 10 >= kinds.count * 9 }
        let numbers = kinds.compactMap { if case .number(let number) = $0, number.isFinite { number } else { nil } }
        let times = kinds.compactMap { if case .time(let time) = $0 { time } else { nil } }
        if numbers.count * 10 >= kinds.count * 9 {
            self = .number(
                isWhole: numbers.allSatisfy { $0 == $0.rounded() }, least: numbers.min() ?? 0,
                greatest: numbers.max() ?? 0)
        } else if times.count * 10 >= kinds.count * 9 {
            // One day over 12 tells the order of all.
            self = .time(
                times.contains(.yearFirst)
                    ? .yearFirst
                    : times.contains(.monthFirst) ? .monthFirst : times.contains(.dayFirst) ? .dayFirst : .either)
        } else if most({ $0 == .email }) {
            self = .email
        } else if most({ $0 == .address }) {
            self = .address
        } else if kinds.contains(.sentence) {
            self = .text(averageBytes: values.reduce(0) { $0 + $1.utf8.count } / values.count)
        } else {
            self = .word
        }
    }

    /// Of texts alone.
    var sentenceLength: Int? {
        if case .text(let bytes) = self { bytes } else { nil }
    }

    /// For people and programs: `number`, `time`, `email`, `url`, `text`, `word`, `empty`.
    var name: String {
        switch self {
        case .empty: "empty"
        case .number: "number"
        case .time: "time"
        case .email: "email"
        case .address: "url"
        case .text: "text"
        case .word: "word"
        }
    }

    /// How the dates of a column are written; nil where there are none.
    var dateFormat: String? {
        guard case .time(let order) = self else { return nil }
        return switch order {
        case .yearFirst: "year-month-day"
        case .dayFirst: "day-month-year"
        case .monthFirst: "month-day-year"
        case .either: "day-month-year or month-day-year"
        }
    }
}
