/// A NUMERIC in the binary format: digits to the base 10,000, the weight of the first, a sign.
struct Numeric {
    private var digits: [Int16] = []
    private var weight = 0
    private var isNegative = false
    private var isNumber = false

    init(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 8 else { return }
        let word = { (index: Int) in Int16(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: Int16.self)) }
        let sign = UInt16(bitPattern: word(2))
        let count = Int(word(0))
        guard sign == 0 || sign == 0x4000, count >= 0, bytes.count >= 8 + count * 2 else { return }
        isNumber = true
        isNegative = sign == 0x4000
        weight = Int(word(1))
        digits = (0..<count).map { word(4 + $0) }
    }

    /// Towards zero; 0 for what no 64 bits can hold.
    var integer: Int64 {
        var value: Int64 = 0
        for index in 0..<max(0, weight + 1) {
            let digit = index < digits.count ? Int64(digits[index]) : 0
            let (scaled, isOver) = value.multipliedReportingOverflow(by: 10_000)
            let (sum, isOverToo) = scaled.addingReportingOverflow(isNegative ? -digit : digit)
            if isOver || isOverToo { return 0 }
            value = sum
        }
        return value
    }

    var real: Double {
        guard isNumber else { return .nan }
        var value = 0.0
        for digit in digits.reversed() { value = value / 10_000 + Double(digit) }
        for _ in 0..<max(0, weight) { value *= 10_000 }
        for _ in 0..<max(0, -weight) { value /= 10_000 }
        return isNegative ? -value : value
    }
}
