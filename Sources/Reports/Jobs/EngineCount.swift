import ByteJSON
import Common

/// How many items were read by which engines, as items go by: its size is that of the different lists of engines.
struct EngineCount {
    private var lists: [[UInt8]: Int] = [:]
    /// Neighbours mostly have the same list.
    private var last: [UInt8] = []
    private var run = 0

    /// Counts one item by its document.
    mutating func add(_ root: JSONView) {
        guard let list = root[Keys.metadata]?[Keys.engines]?.raw else { return }
        if list.count == last.count, list.elementsEqual(last) {
            run += 1
        } else {
            close()
            (last, run) = (Array(list), 1)
        }
    }

    private mutating func close() {
        if run > 0 { lists[last, default: 0] += run }
        run = 0
    }

    /// By name and version of the engine, how many items it read.
    func rows() -> [String: Int] {
        var lists = lists
        if run > 0 { lists[last, default: 0] += run }
        var rows: [String: Int] = [:]
        for (list, count) in lists {
            guard let document = try? JSONDocument(parsing: list) else { continue }
            for name in Set(JSON(document.root).array?.compactMap(\.string) ?? []) { rows[name, default: 0] += count }
        }
        return rows
    }

    private enum Keys {
        static let metadata = JSONKey("metadata_attributes")
        static let engines = JSONKey("engines")
    }
}
