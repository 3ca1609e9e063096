/// An element of what a service answers: XML without attributes that matter.
package struct Element {
    package let name: String
    package private(set) var text = ""
    package private(set) var children: [Element] = []
    private static let maximumDepth = 16

    /// The first child of this name.
    package subscript(_ name: String) -> Element? { children.first { $0.name == name } }
    package func all(_ name: String) -> [Element] { children.filter { $0.name == name } }

    private init(_ name: String) { self.name = name }

    /// - Returns: The root; nil if it is no such document.
    package static func parse(_ bytes: [UInt8]) -> Element? {
        var open: [Element] = []
        var rest = bytes[...]
        while let next = rest.firstIndex(of: UInt8(ascii: "<")) {
            if !open.isEmpty { open[open.count - 1].text += unescaped(rest[..<next]) }
            guard let end = rest[next...].firstIndex(of: UInt8(ascii: ">")) else { return nil }
            let tag = rest[(next + 1)..<end]
            rest = rest[(end + 1)...]
            guard let first = tag.first, first != UInt8(ascii: "?"), first != UInt8(ascii: "!") else { continue }
            if first != UInt8(ascii: "/") {
                let name = tag.prefix { $0 > 0x20 && $0 != UInt8(ascii: "/") }
                guard open.count < maximumDepth else { return nil }
                open.append(Element(String(decoding: name, as: UTF8.self)))
                if tag.last != UInt8(ascii: "/") { continue }
            }
            guard let closed = open.popLast() else { return nil }
            if open.isEmpty { return closed }
            open[open.count - 1].children.append(closed)
        }
        return nil
    }

    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
        var result = ""
        var rest = text[...]
        while let start = rest.firstIndex(of: "&"), let end = rest[start...].firstIndex(of: ";") {
            result += rest[..<start]
            let name = rest[rest.index(after: start)..<end]
            switch name {
            case "amp": result += "&"
            case "lt": result += "<"
            case "gt": result += ">"
            case "quot": result += "\""
            case "apos": result += "'"
            default:
                let number = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst())
                if let scalar = number.flatMap({ Unicode.Scalar($0) }) { result.unicodeScalars.append(scalar) }
            }
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }
}
