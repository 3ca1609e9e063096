import ByteJSON
import Foundation
import TestKit
import Testing

/// The scanner against Foundation's, on texts that grow from a grammar and are then damaged.
@Suite("The JSON scanner and Foundation agree")
struct OracleTests {
    @Test("on whole texts and all their values", arguments: 0..<8 as Range<UInt64>)
    func whole(seed: UInt64) throws {
        var author = JSONAuthor(seed: seed)
        for _ in 0..<400 {
            let text = author.text()
            let document = try JSONDocument(parsing: text)
            let expected = try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
            #expect(isEqual(document.root, expected), "\(String(decoding: text, as: UTF8.self))")
        }
    }

    @Test("on whether a damaged text is JSON at all", arguments: 0..<16 as Range<UInt64>)
    func damaged(seed: UInt64) throws {
        var author = JSONAuthor(seed: seed &+ 1000)
        var accepted = 0
        for _ in 0..<1500 {
            let text = author.damage(author.text())
            if Self.isOutsideTheOracle(text) { continue }
            let ours = try? JSONDocument(parsing: text)
            let theirs = try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
            #expect(
                (ours == nil) == (theirs == nil),
                "ours \(ours == nil ? "refuses" : "accepts") \(Array(text)) \(String(decoding: text, as: UTF8.self))")
            if let ours, let theirs {
                accepted += 1
                #expect(isEqual(ours.root, theirs), "\(String(decoding: text, as: UTF8.self))")
            }
        }
        #expect(accepted > 50)
    }

    /// What Foundation sees otherwise, by its documentation or ours.
    private static func isOutsideTheOracle(_ text: [UInt8]) -> Bool {
        // It guesses UTF-16 and UTF-32, and skips a byte order mark.
        if text.count < 2 || text[0] == 0 || text[1] == 0 || text[0] >= 0xEF { return true }
        let string = String(decoding: text, as: UTF8.self)
        // It refuses lone surrogates, which we read as U+FFFD, and a number that no double holds; it lets a comma
        // stand before a closing bracket.
        return string.lowercased().contains("\\ud") || string.contains(/[eE]\+?[0-9]{3}|,\s*[\]}]/)
    }

    private func isEqual(_ ours: JSONValue, _ theirs: Any) -> Bool {
        switch ours.kind {
        case .null: return theirs is NSNull
        case .true, .false: return (theirs as? Bool) == ours.bool
        case .integer, .double:
            guard let number = theirs as? NSNumber, let double = ours.double else { return false }
            if let integer = ours.int64, ours.kind == .integer { return number.int64Value == integer }
            // Foundation reads some numbers over Decimal, which is off in the last places; ours is tested elsewhere.
            return abs(number.doubleValue - double) <= 64 * double.ulp
        case .string: return (theirs as? String).map { Array($0.utf8) } == ours.string.map { Array($0.utf8) }
        case .array:
            guard let theirs = theirs as? [Any] else { return false }
            let elements = Array(ours.elements)
            return elements.count == theirs.count && ours.count == theirs.count
                && zip(elements, theirs).allSatisfy { isEqual($0, $1) }
                && theirs.indices.allSatisfy { ours[$0]?.range == elements[$0].range }
        case .object:
            guard let theirs = theirs as? [String: Any] else { return false }
            let names = Set(ours.members.map(\.name))
            return names == Set(theirs.keys)
                && theirs.allSatisfy { name, value in ours[name].map { isEqual($0, value) } ?? false }
        }
    }
}

/// Writes JSON texts by chance, and damages them.
struct JSONAuthor {
    private var random: RandomSource

    init(seed: UInt64) { random = RandomSource(seed: seed) }

    mutating func text() -> [UInt8] {
        var text: [UInt8] = []
        space(&text)
        value(&text, depth: 0)
        space(&text)
        return text
    }

    /// Changes a few bytes: swaps, cuts, doubles, and bytes that mean something.
    mutating func damage(_ text: [UInt8]) -> [UInt8] {
        var text = text
        let telling =
            Array("{}[]:,\"\\/ubn0123456789.eE+-tf \n\t".utf8) + [
                0x00, 0x1F, 0x7F, 0x80, 0xC0, 0xC3, 0xE2, 0xED, 0xF0, 0xF5, 0xFF,
            ]
        for _ in 0..<Int.random(in: 1...3, using: &random) where !text.isEmpty {
            let at = Int.random(in: 0..<text.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: text.remove(at: at)
            case 1: text.insert(telling.randomElement(using: &random) ?? 0, at: at)
            case 2: text[at] = telling.randomElement(using: &random) ?? 0
            case 3: text.swapAt(at, Int.random(in: 0..<text.count, using: &random))
            case 4: text.removeSubrange(at..<min(text.count, at + 4))
            default: text.insert(contentsOf: text[at..<min(text.count, at + 5)], at: at)
            }
        }
        return text
    }

    private mutating func value(_ text: inout [UInt8], depth: Int) {
        switch Int.random(in: 0..<(depth < 5 ? 10 : 6), using: &random) {
        case 0: text += ["null", "true", "false"].randomElement(using: &random)?.utf8.map { $0 } ?? []
        case 1, 2: number(&text)
        case 3, 4, 5: string(&text)
        case 6, 7:
            text.append(UInt8(ascii: "["))
            list(&text, depth: depth) { author, text in author.value(&text, depth: depth + 1) }
            text.append(UInt8(ascii: "]"))
        default:
            text.append(UInt8(ascii: "{"))
            var number = 0
            list(&text, depth: depth) { author, text in
                // A distinct beginning, for Foundation keeps the first of two equal names.
                text += Array("\"\(number)".utf8)
                number += 1
                author.string(&text, isOpen: true)
                author.space(&text)
                text.append(UInt8(ascii: ":"))
                author.space(&text)
                author.value(&text, depth: depth + 1)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    private mutating func list(
        _ text: inout [UInt8], depth: Int, _ item: (inout JSONAuthor, inout [UInt8]) -> Void
    ) {
        space(&text)
        for index in 0..<Int.random(in: 0...4, using: &random) {
            if index > 0 {
                text.append(UInt8(ascii: ","))
                space(&text)
            }
            item(&self, &text)
            space(&text)
        }
    }

    private mutating func space(_ text: inout [UInt8]) {
        for _ in 0..<max(0, Int.random(in: -2...2, using: &random)) {
            text.append([0x20, 0x0A, 0x0D, 0x09].randomElement(using: &random) ?? 0x20)
        }
    }

    private mutating func number(_ text: inout [UInt8]) {
        let integer = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0...63, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text += "\(integer)".utf8
        case 1: text += "\(integer % 100_000).\(Int.random(in: 0...99_999, using: &random))".utf8
        case 2: text += "\(Double(integer) / 1024)".utf8
        default:
            let sign = ["", "+", "-"].randomElement(using: &random) ?? ""
            text += "\(integer % 1000)e\(sign)\(Int.random(in: 0...60, using: &random))".utf8
        }
    }

    private mutating func string(_ text: inout [UInt8], isOpen: Bool = false) {
        if !isOpen { text.append(UInt8(ascii: "\"")) }
        let pieces = [
            "a", "plain words of some length", "ü", "日本語", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\u00e9",
            "\\u20AC", "\\ud83d\\ude00", "\\b\\f\\r\\t", "\u{7F}", "\u{FFFD}", " ", "{}[]:,", "\\u0000",
        ]
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            text += pieces.randomElement(using: &random)?.utf8.map { $0 } ?? []
        }
        text.append(UInt8(ascii: "\""))
    }
}
