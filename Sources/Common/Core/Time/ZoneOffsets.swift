import Synchronization

import struct Foundation.Date
import struct Foundation.TimeZone

/// The offsets of a time zone: from which instant on each one holds. All times are in milliseconds.
package struct ZoneOffsets: Sendable, Hashable {
    /// The IANA name.
    package let name: String
    /// The instant from which on the offset of the same position holds, ascending; the first holds for all times before.
    private let starts: [Int64]
    private let offsets: [Int64]

    /// Reads the transitions of a zone from 1900 to 2200; nil if there is no such zone.
    package init?(name: String) {
        guard let zone = TimeZone(identifier: name) else { return nil }
        self.name = name
        var at = Date(timeIntervalSince1970: -2_208_988_800)
        let end = Date(timeIntervalSince1970: 7_258_118_400)
        var starts = [Int64.min]
        var offsets = [Int64(zone.secondsFromGMT(for: at)) * 1000]
        while let next = zone.nextDaylightSavingTimeTransition(after: at), next > at, next < end {
            at = next
            let offset = Int64(zone.secondsFromGMT(for: next)) * 1000
            guard offset != offsets[offsets.count - 1] else { continue }
            starts.append(Timestamp(next).milliseconds)
            offsets.append(offset)
        }
        self.starts = starts
        self.offsets = offsets
    }

    /// What is to be added to an instant to have local time.
    package func offset(at instant: Int64) -> Int64 { offsets[starts.position(of: instant)] }

    /// The local time at an instant, counted as if it were UTC.
    package func local(_ instant: Int64) -> Int64 { instant + offset(at: instant) }

    /// The first instant at which the local clock shows this time, or the end of the gap that swallowed it.
    package func instant(ofLocal local: Int64) -> Int64 {
        let day: Int64 = 86_400_000
        var at = starts.position(of: local - day)
        while at + 1 < starts.count, local - offsets[at] >= starts[at + 1] { at += 1 }
        return max(local - offsets[at], starts[at])
    }

    /// The next instant at which the offset changes.
    package func transition(after instant: Int64) -> Int64? {
        let next = starts.position(of: instant) + 1
        return next < starts.count ? starts[next] : nil
    }
}

/// The zones that were asked for so far.
package final class ZoneCache: Sendable {
    package static let shared = ZoneCache()
    private let zones = Mutex<[String: ZoneOffsets]>([:])

    /// The zone of this name; nil if there is none.
    package subscript(_ name: String) -> ZoneOffsets? {
        if let known = zones.withLock({ $0[name] }) { return known }
        guard let zone = ZoneOffsets(name: name) else { return nil }
        zones.withLock { $0[name] = zone }  // as many as the zone database has
        return zone
    }
}
