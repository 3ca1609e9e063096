import Synchronization

/// Numbers the authors of a workspace from 0 on, in the order in which they are first seen.
///
/// People cannot be added up, only united, and a union of small numbers is a row of bits. Questions that are answered
/// side by side share the numbers.
final class AuthorNumbers: Sendable {
    private let table = Mutex(Table())

    var count: Int { table.withLock { $0.count } }

    /// What it takes of memory, in bytes.
    var size: Int { table.withLock { $0.size } }

    func number(of author: UInt64) -> UInt32 { table.withLock { $0.number(of: author) } }

    /// Appends the numbers of authors that lie as words of eight bytes, the lowest byte first.
    func appendNumbers(of authors: UnsafeRawBufferPointer, to numbers: inout [UInt32]) {
        table.withLock { table in
            let count = authors.count / 8
            table.reserve(count)
            for at in 0..<count {
                let author = authors.loadUnaligned(fromByteOffset: 8 &* at, as: UInt64.self)
                numbers.append(table.number(of: UInt64(littleEndian: author)))
            }
        }
    }

    /// An open table in which an author's place is given by the upper bits.
    ///
    /// Authors are bits of a hash, and those of a day come in their order: so a day goes through the table once from
    /// front to back, as through an array.
    private struct Table {
        /// 0 is a free place: no author is 0.
        private var authors: [UInt64] = Array(repeating: 0, count: 1 << 10)
        private var numbers: [UInt32] = Array(repeating: 0, count: 1 << 10)
        private var shift: UInt64 = 54
        private(set) var count = 0

        var size: Int { 12 * authors.count }

        /// Makes room for so many more.
        mutating func reserve(_ more: Int) { while 3 * (count + more) > 2 * authors.count { grow() } }

        @inline(__always) mutating func number(of author: UInt64) -> UInt32 {
            let place = place(of: author)
            if authors[place] == author { return numbers[place] }
            guard 3 &* (count &+ 1) <= 2 &* authors.count else {
                grow()
                return self.number(of: author)
            }
            authors[place] = author
            let number = UInt32(truncatingIfNeeded: count)
            numbers[place] = number
            count &+= 1
            return number
        }

        /// Where an author is, or is to be put.
        @inline(__always) private func place(of author: UInt64) -> Int {
            var place = Int(truncatingIfNeeded: author &>> shift)
            while authors[place] != author, authors[place] != 0 { place = (place &+ 1) & (authors.count &- 1) }
            return place
        }

        private mutating func grow() {
            let (oldAuthors, oldNumbers) = (authors, numbers)
            authors = Array(repeating: 0, count: 2 * oldAuthors.count)
            numbers = Array(repeating: 0, count: 2 * oldAuthors.count)
            shift -= 1
            for (author, number) in zip(oldAuthors, oldNumbers) where author != 0 {
                let place = place(of: author)
                authors[place] = author
                numbers[place] = number
            }
        }
    }
}
