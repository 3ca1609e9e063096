public import ByteJSON

/// The first rows of a file, column by column: what guesses are made of.
public struct RowSample: Sendable {
    public struct Column: Sendable {
        /// The column's name; of JSON, the members' names on the way.
        public let name: [String]
        /// What rows have in it, as text; rows without it are left out.
        public internal(set) var values: [String] = []

        public init(name: [String], values: [String] = []) {
            self.name = name
            self.values = values
        }
    }
    /// In their order of appearance.
    public private(set) var columns: [Column] = []
    public private(set) var rows = 0
    private var positions: [[String]: Int] = [:]

    private static let maximumColumns = 500

    public init() {}

    /// - Parameter columns: Of a table.
    public init(columns: [String]) {
        self.columns = columns.map { Column(name: [$0]) }
    }

    /// Adds a row of a table.
    public mutating func add(_ row: Row) {
        rows += 1
        let reader = CSVRowReader(row.text)
        for (i, field) in row.fields.prefix(columns.count).enumerated() {
            let value = reader.value(of: field)
            if !value.isEmpty { columns[i].values.append(String(decoding: value, as: UTF8.self)) }
        }
    }

    /// Adds a row of JSON: its members, and those of objects in it.
    public mutating func add(_ json: JSONValue) {
        rows += 1
        add(json, under: [])
    }

    private mutating func add(_ json: JSONValue, under path: [String]) {
        for (name, value) in json.members {
            let path = path + [name]
            switch value.kind {
            case .object where path.count < 3: add(value, under: path)
            case .object, .array, .null: continue
            default:
                if positions[path] == nil {
                    guard columns.count < Self.maximumColumns else { continue }
                    positions[path] = columns.count
                    columns.append(Column(name: path))
                }
                let text = value.string ?? String(decoding: value.raw, as: UTF8.self)
                if let at = positions[path], !text.isEmpty { columns[at].values.append(text) }
            }
        }
    }
}
