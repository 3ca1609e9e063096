import Common
import Connectors

/// What a source's `position` gives: an instant, or a number that only grows.
enum ReadPosition: Sendable, Hashable, Comparable {
    case number(Double)
    case instant(Timestamp)

    init?(_ value: MappedValue) {
        if case .instant(let instant) = value {
            self = .instant(instant)
        } else if let number = value.double {
            self = .number(number)
        } else if let instant = value.timestamp {
            self = .instant(instant)
        } else {
            return nil
        }
    }

    /// The instant, also where it is written as seconds or milliseconds since 1970.
    var time: Timestamp? {
        switch self {
        case .instant(let instant): instant
        case .number(let number): MappedValue.double(number).timestamp
        }
    }

    /// As a template takes it.
    var value: MappedValue {
        switch self {
        case .instant(let instant): .instant(instant)
        case .number(let number): Int64(exactly: number).map(MappedValue.integer) ?? .double(number)
        }
    }

    /// The position so many seconds before; a number that is no time of ours counts seconds too.
    func moved(back seconds: Int) -> ReadPosition {
        switch self {
        case .instant(let instant): .instant(Timestamp(milliseconds: instant.milliseconds - Int64(seconds) * 1000))
        case .number(let number): .number(number - Double(number < 1e11 ? seconds : seconds * 1000))
        }
    }

    /// Whether it lies behind another one; a number does behind the instant at which the stream begins.
    func isBehind(_ other: ReadPosition) -> Bool {
        switch (self, other) {
        case (.number, .instant): true
        case (.instant, .number): false
        default: self > other
        }
    }

    /// The furthest of several; an instant counts only where there is no number.
    static func furthest(_ positions: ReadPosition?...) -> ReadPosition? {
        positions.compactMap { $0 }.reduce(nil) { furthest, position in
            furthest.map { position.isBehind($0) ? position : $0 } ?? position
        }
    }

    static func < (left: ReadPosition, right: ReadPosition) -> Bool {
        switch (left, right) {
        case (.number(let left), .number(let right)): left < right
        case (.instant(let left), .instant(let right)): left < right
        case (.number, .instant): true
        case (.instant, .number): false
        }
    }
}

extension ReadPosition: Codable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .instant(try container.decode(Timestamp.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .number(let number): try container.encode(number)
        case .instant(let instant): try container.encode(instant)
        }
    }
}
