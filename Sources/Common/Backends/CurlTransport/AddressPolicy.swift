import Glibc

/// Which addresses may be connected to.
///
/// It is asked with the address of the very socket that is about to be opened, so it holds for redirects, for names
/// with several addresses and for names whose address changes between two look-ups.
public enum AddressPolicy: Sendable, Hashable {
    /// Only what the public internet routes: the default.
    case publicOnly
    /// What the public internet routes, and these networks.
    case allowing([Network])
    /// Everything; for tests and the demonstration on loopback.
    case any

    /// Whether a connection to this address may be opened.
    public func allows(_ address: IPAddress) -> Bool {
        switch self {
        case .publicOnly: address.isPublic
        case .allowing(let networks): address.isPublic || networks.contains { $0.contains(address) }
        case .any: true
        }
    }
}

/// An IPv4 or IPv6 address.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// In network order: 4 bytes or 16.
    public let bytes: [UInt8]

    /// Parses `192.0.2.1` or `2001:db8::1`; nil if it is neither.
    public init?(_ text: String) {
        var buffer = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &buffer) == 1 {
            bytes = Array(buffer.prefix(4))
        } else if inet_pton(AF_INET6, text, &buffer) == 1 {
            bytes = buffer
        } else {
            return nil
        }
    }

    /// The address of a socket; nil for another family.
    init?(_ address: UnsafePointer<sockaddr>) {
        let start = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            bytes = withUnsafeBytes(of: start.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
        case AF_INET6:
            bytes = withUnsafeBytes(of: start.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
        default: return nil
        }
    }

    public var isIPv4: Bool { bytes.count == 4 }

    /// Whether the public internet routes it to one host.
    ///
    /// After the special-purpose registries of IANA. Addresses of version 6 that carry one of version 4 (mapped,
    /// NAT64, 6to4, Teredo) are not: what they reach is decided elsewhere.
    public var isPublic: Bool {
        isIPv4
            ? !Network.specialIPv4.contains { $0.contains(self) }
            : Network.globalIPv6.contains(self) && !Network.specialIPv6.contains { $0.contains(self) }
    }

    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = inet_ntop(isIPv4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
        return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }
}

/// A block of addresses in CIDR notation.
public struct Network: Sendable, Hashable, CustomStringConvertible {
    public let address: IPAddress
    /// How many leading bits all its addresses share.
    public let prefix: Int

    /// Parses `10.0.0.0/8`, or one address; nil if it is neither.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        let width = address.bytes.count * 8
        var prefix = width
        if parts.count == 2 {
            guard let value = Int(parts[1]), (0...width).contains(value) else { return nil }
            prefix = value
        }
        self.address = address
        self.prefix = prefix
    }

    /// Whether the address is in this block; never for one of the other version.
    public func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        let whole = prefix / 8
        guard address.bytes[..<whole].elementsEqual(other.bytes[..<whole]) else { return false }
        let rest = prefix % 8
        return rest == 0 || (address.bytes[whole] ^ other.bytes[whole]) >> (8 - rest) == 0
    }

    public var description: String { "\(address)/\(prefix)" }

    static let specialIPv4 = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    ].compactMap(Network.init)

    /// Global unicast; loopback, unique local, link-local, multicast, mapped and NAT64 addresses lie outside.
    static let globalIPv6 = Network(prefix: 3, bytes: [0x20] + [UInt8](repeating: 0, count: 15))
    static let specialIPv6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"].compactMap(Network.init)

    private init(prefix: Int, bytes: [UInt8]) {
        self.prefix = prefix
        address = IPAddress(bytes: bytes)
    }
}

extension IPAddress {
    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }
}
