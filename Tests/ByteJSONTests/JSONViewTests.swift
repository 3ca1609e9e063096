import ByteJSON
import Testing

@Suite("Views of JSON texts")
struct JSONViewTests {
    private func scanning<Value>(_ text: String, _ body: (JSONView) -> Value) throws -> Value {
        try Array(text.utf8).withUnsafeBufferPointer { try JSONView.scanning($0, body) }
    }

    @Test("a table finds the members that it knows in one pass")
    func table() throws {
        let table = JSONMemberTable(["a", "bb", "missing", "c", "ümlaut", ""])
        let text = #"{"x": 1, "a": 2, "bb": {"a": 3}, "\u0063": 4, "a": 5, "b": 6, "bbb": 7, "ümlaut": 8, "": 9}"#
        let (found, present) = try scanning(text) { root in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: table.names.count) { positions in
                let present = table.find(in: root, positions)
                return (positions.map { $0 == 0 ? nil : JSON(root.value(at: $0)) }, present)
            }
        }
        #expect(found == [5, ["a": 3], nil, 4, 8, 9], "of two members of one name the last one wins")
        #expect(present == 0b111011)
    }

    @Test("what is no object has no members", arguments: ["[1, 2]", "\"a\"", "{}", "null"])
    func noMembers(text: String) throws {
        let table = JSONMemberTable(["a"])
        let present = try scanning(text) { root in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1) { positions in
                positions[0] = 7
                return (table.find(in: root, positions), positions[0])
            }
        }
        #expect(present == (0, 0))
    }

    @Test("many names are told apart")
    func manyNames() throws {
        let names = (0..<200).map { "member_\($0 % 10)_\($0 / 10)" }
        let table = JSONMemberTable(names)
        let text = "{" + names.reversed().map { "\"\($0)\": \"\($0)\"" }.joined(separator: ", ") + "}"
        let found = try scanning(text) { root in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: names.count) { positions in
                _ = table.find(in: root, positions)
                return positions.map { root.value(at: $0).decoded }
            }
        }
        #expect(found == names)
    }

    @Test("an escape is decoded wherever it stands")
    func escapes() throws {
        for before in 0..<20 {
            for after in 0..<20 {
                let (head, tail) = (String(repeating: "h", count: before), String(repeating: "t", count: after))
                let text = #"["\#(head)\n\#(tail)\u00e9é\\"]"#
                let wanted = "\(head)\n\(tail)éé\\"
                #expect(try scanning(text) { $0[0]?.string } == wanted)
                #expect(try scanning(text) { $0[0]?.decodedBytes } == Array(wanted.utf8))
            }
        }
    }

    @Test(
        "a spelled number is read from its bytes, or left to others",
        arguments: [
            ("5", 5), ("0", 0), ("4.25", 4.25), ("12345678.5", 12_345_678.5), ("007", 7), ("", nil), (".5", nil),
            ("5.", nil), ("1.2.3", nil), ("-1", nil), ("1e3", nil), (" 1", nil), ("five", nil),
            ("12345678901234567890", nil),
        ] as [(String, Double?)])
    func spelledNumbers(text: String, wanted: Double?) throws {
        #expect(try scanning("\"\(text)\"", \.spelledNumber) == wanted)
    }

    @Test("a member is found by its key, an element by its position")
    func steps() throws {
        let text = #"{"a": [1, {"b": true}], "c": "x"}"#
        #expect(try scanning(text) { $0[JSONKey("a")]?[1]?[JSONKey("b")]?.bool } == true)
        #expect(try scanning(text) { $0[JSONKey("a")]?[2] == nil && $0[JSONKey("z")] == nil && $0[0] == nil })
        #expect(try scanning(text) { $0[JSONKey("c")].map { Array($0.raw) } } == Array("\"x\"".utf8))
        #expect(throws: JSONError(.unexpectedEnd, at: 0)) { try scanning("") { _ in } }
        #expect(throws: JSONError(.unexpectedByte, at: 1)) { try scanning("{]") { _ in } }
    }
}
