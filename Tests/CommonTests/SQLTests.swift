import Common
import Testing

@Suite("Interpolated SQL")
struct SQLTests {
    @Test("makes bindings of values, in their order")
    func bindings() {
        let missing: String? = nil
        let sql: SQL = "SELECT \(1), \("a'b"), \(2.5), \(missing), \([1, 2] as [UInt8]), \(true) FROM \(raw: "t")"
        #expect(sql.text == "SELECT ?, ?, ?, ?, ?, ? FROM t")
        #expect(sql.bindings == [.integer(1), .text("a'b"), .real(2.5), .null, .blob([1, 2]), .integer(1)])
    }

    @Test("joins parts, lists and identifiers")
    func parts() {
        let workspace = WorkspaceID.make()
        let condition: SQL = "workspace = \(workspace)"
        var sql: SQL = "SELECT * FROM t WHERE \(condition) AND n IN \(list: [1, 2, 3]) AND m IN \(list: [String]())"
        sql += " LIMIT \(Timestamp(milliseconds: 5))"
        #expect(sql.text == "SELECT * FROM t WHERE workspace = ? AND n IN (?, ?, ?) AND m IN (NULL) LIMIT ?")
        #expect(sql.bindings == [.text(workspace.rawValue), .integer(1), .integer(2), .integer(3), .integer(5)])
    }
}
