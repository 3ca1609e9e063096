import Common

/// Whether an address is one that a provider could send to: no name or number that means something inside a network only.
enum PublicAddress {
    static func isPublic(_ url: String) -> Bool {
        guard let scheme = url.firstRange(of: "://"),
            ["http", "https"].contains(url[..<scheme.lowerBound].lowercased())
        else { return false }
        var host = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
        // A number of IPv6 stands in brackets; whether it is a public one is not for a provider of today to try.
        if host.hasPrefix("[") { return isPublic(version6: host.dropFirst().prefix { $0 != "]" }.lowercased()) }
        let name = host.prefix { $0 != ":" }.lowercased()
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        if numbers.count == 4, let first = numbers[0], let second = numbers[1], numbers[2] != nil, numbers[3] != nil {
            return isPublic(first, second)
        }
        let inner = [".localhost", ".local", ".internal", ".lan", ".home", ".test", ".invalid"]
        return name.contains(".") && !inner.contains { name.hasSuffix($0) }
    }

    private static func isPublic(_ first: UInt8, _ second: UInt8) -> Bool {
        switch (first, second) {
        case (0, _), (10, _), (127, _), (169, 254), (192, 168), (172, 16...31), (100, 64...127), (224..., _): false
        default: true
        }
    }

    private static func isPublic(version6 text: String) -> Bool {
        !["fc", "fd", "fe8", "fe9", "fea", "feb", "ff"].contains { text.hasPrefix($0) } && text != "::1" && text != "::"
    }
}
