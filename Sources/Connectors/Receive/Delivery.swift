/// What a verifier sees of a request.
public protocol Delivery {
    /// The body, as it came over the wire after decompression.
    var body: [UInt8] { get }
    var method: String { get }
    /// The address that the sender posted to, as the sender knows it.
    var url: String { get }
    /// The first header of this name, which is in lower case.
    func header(_ name: String) -> String?
    /// A scalar in the body (or a form's field) as text.
    func bodyValue(_ path: Path) -> String?
}

/// Where a delivery carries a value, compiled from its text: a header's name (`X-Id`), one part of a header that lists
/// `key=value` (`Stripe-Signature[t]`), or a path in the body (`body.event_id`).
public struct DeliveryPlace: Sendable, Hashable {
    private enum Kind: Hashable {
        case header(String)
        case part(header: String, key: String)
        case body(Path)
    }
    private let kind: Kind

    public init(_ text: String) {
        if text.hasPrefix("body.") {
            kind = .body(Path(String(text.dropFirst(5))))
        } else if text.hasSuffix("]"), let bracket = text.firstIndex(of: "[") {
            kind = .part(
                header: text[..<bracket].lowercased(), key: String(text[text.index(after: bracket)...].dropLast()))
        } else {
            kind = .header(text.lowercased())
        }
    }

    /// The value, if the delivery carries it.
    public func value(in delivery: some Delivery) -> String? {
        switch kind {
        case .header(let name): return delivery.header(name)
        case .body(let path): return delivery.bodyValue(path)
        case .part(let name, let key):
            for part in delivery.header(name)?.split(separator: ",") ?? [] {
                let part = part.drop { $0 == " " }
                guard part.hasPrefix(key), part.dropFirst(key.count).first == "=" else { continue }
                return String(part.dropFirst(key.count + 1))
            }
            return nil
        }
    }
}
