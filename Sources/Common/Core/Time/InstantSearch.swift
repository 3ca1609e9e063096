extension [Int64] {
    /// The last position whose instant is not after this one, in an ascending list; the first if all are.
    @inlinable
    package func position(of instant: Int64) -> Int {
        var low = 0
        var high = count
        while high - low > 1 {
            let middle = (low + high) / 2
            if self[middle] <= instant { low = middle } else { high = middle }
        }
        return low
    }
}
