import Common
import Crypto
import Foundation

/// That a record may be on the log already: its append failed, and nobody can say whether it was too late or not at all.
///
/// The record carries it through the spool in a header, so that a process that begins anew knows it as well.
enum Suspicion {
    private static let header = "spool-suspect"

    /// The records as they go to the spool: perhaps on the log, at these ends or behind them.
    static func mark(_ batch: RecordBatch, ends: LogEnds) throws -> RecordBatch {
        let value = Array(try JSONEncoder().encode(ends))
        var marked = RecordBatch()
        marked.reserveCapacity(records: batch.count, bytes: batch.arena.count + batch.count * (value.count + 24))
        for index in 0..<batch.count {
            var headers = batch.headers(at: index)
            headers.append(header, value)
            marked.append(
                key: batch.key(at: index), headers: headers, value: batch.value(at: index),
                timestamp: batch.timestamp(at: index))
        }
        return marked
    }

    /// From where on the log may have a record; nil if it is not suspected.
    static func ends(of headers: RecordHeaders) -> LogEnds? {
        headers.bytes(header).map { (try? JSONDecoder().decode(LogEnds.self, from: Data($0))) ?? LogEnds() }
    }

    /// The headers as they go to the log.
    static func removed(from headers: RecordHeaders) -> RecordHeaders {
        // It is the last one.
        let length = 1 + header.utf8.count + 4 + (headers.bytes(header)?.count ?? 0)
        return RecordHeaders(encoded: headers.encoded.dropLast(length))
    }
}

extension RecordBatch {
    /// What makes one record differ from another: key, headers and value.
    func fingerprint(at index: Int) -> Digest128 {
        var hash = SHA256()
        for part in [key(at: index), headers(at: index).encoded, value(at: index)] {
            withUnsafeBytes(of: Int64(part?.count ?? -1).littleEndian) { hash.update(bufferPointer: $0) }
            part?.withUnsafeBytes { hash.update(bufferPointer: $0) }
        }
        return Digest128(hash.finalize())
    }
}
