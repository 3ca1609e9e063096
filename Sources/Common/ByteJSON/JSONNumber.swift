/// Reads numbers that the scanner has accepted.
enum JSONNumber {
    /// The integer in these bytes; nil if it does not fit.
    static func int64(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        let isNegative = bytes[0] == UInt8(ascii: "-")
        let digits = bytes[(isNegative ? 1 : 0)...]
        var value: Int64 = 0
        if digits.count <= 18 {
            for digit in digits { value = value &* 10 &+ Int64(digit &- 0x30) }
            return isNegative ? -value : value
        }
        // Downwards, where there is room for one more.
        for digit in digits {
            let (tens, isOver) = value.multipliedReportingOverflow(by: 10)
            let (sum, isUnder) = tens.subtractingReportingOverflow(Int64(digit &- 0x30))
            if isOver || isUnder { return nil }
            value = sum
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    /// The nearest double.
    static func double(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
        exact(bytes) ?? Double(String(decoding: bytes, as: UTF8.self))
    }

    /// Few digits and a small exponent: the quotient or product of two exact doubles is the nearest one.
    static func exact(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
        guard bytes.count <= 16 else { return nil }
        var digits: Int64 = 0
        var scale = 0
        var isFraction = false
        let isNegative = bytes[0] == UInt8(ascii: "-")
        for byte in bytes[(isNegative ? 1 : 0)...] {
            if byte == UInt8(ascii: ".") {
                isFraction = true
            } else if byte &- 0x30 < 10 {
                digits = digits &* 10 &+ Int64(byte &- 0x30)
                if isFraction { scale &+= 1 }
            } else {
                return nil
            }
        }
        guard digits < 1 << 53 else { return nil }
        let value = Double(digits) / powersOfTen[scale]
        return isNegative ? -value : value
    }

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    ]
}
