/// The exponential function without a mathematics library: the same bits on every platform.
enum Exponential {
    /// e^x for x ≤ 0, to about six digits.
    @inline(__always)
    static func of(_ x: Float) -> Float {
        guard x > -80 else { return 0 }
        // e^x = 2^n · 2^f, with f between −½ and ½
        let power = x * 1.442_695
        let whole = power.rounded()
        let rest = (power - whole) * 0.693_147_2
        let series = 1 + rest * (1 + rest * (0.5 + rest * (0.166_666_67 + rest * (0.041_666_67 + rest * 0.008_333_33))))
        return series * Float(bitPattern: UInt32(Int32(127 + whole)) << 23)
    }
}
