/// Divides `limit` over sources so that each gets what it has, or as much as any other that has more.
package func fairShares(of limit: Int, over available: [Int64]) -> [Int] {
    var shares = [Int](repeating: 0, count: available.count)
    var left = max(0, limit)
    // The smallest first: what they do not need is for the others.
    let ascending = available.indices.sorted { available[$0] < available[$1] }
    for (rank, index) in ascending.enumerated() {
        let sharers = available.count - rank
        let share = min(Int(clamping: max(0, available[index])), (left + sharers - 1) / sharers)
        shares[index] = share
        left -= share
    }
    return shares
}
