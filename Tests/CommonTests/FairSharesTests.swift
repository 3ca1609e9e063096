import Common
import Testing

@Suite("Fair shares")
struct FairSharesTests {
    @Test(
        "shares are fair: nobody gets less than another and wants more",
        arguments: [
            ([10, 10, 10, 10], 40, [10, 10, 10, 10]),
            ([1000, 0, 3, 1000], 103, [50, 0, 3, 50]),
            ([5], 100, [5]),
            ([100, 100, 100], 1, [1, 0, 0]),
            ([0, 0], 10, [0, 0]),
            ([1000, 1000], 0, [0, 0]),
        ] as [([Int64], Int, [Int])])
    func shares(available: [Int64], limit: Int, expected: [Int]) {
        let shares = fairShares(of: limit, over: available)
        #expect(shares.sorted() == expected.sorted())
        #expect(shares.reduce(0, +) <= limit)
    }
}
