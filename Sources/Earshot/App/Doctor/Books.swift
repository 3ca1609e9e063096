import Common
import Parser
import Reports

/// What became of every item that was accepted: one in, exactly one out.
///
/// accepted = stored + duplicate + merged + filtered + dead + in flight, in items. Each number comes from another
/// ledger: what was accepted from the event log's own offsets, what was read from the parser's, what was settled from
/// the reports'. See `docs/correctness.md`.
struct Books: Sendable, Codable, Hashable {
    /// Records on the raw topic, and items of split deliveries beyond the first.
    var accepted: Int
    /// New, or a newer revision.
    var stored: Int
    /// A revision that was known already.
    var duplicate: Int
    /// A cross-post of something else.
    var merged: Int
    /// Kept out by the connector or by a rule of the workspace.
    var filtered: Int
    /// Set aside with a reason.
    var dead: Int
    /// On the log, and not settled yet.
    var inFlight: Int
    /// Whether the ledgers agree; ``disagreements`` says where they do not.
    var balanced: Bool
    /// Whether nothing is left to do.
    var atRest: Bool
    var disagreements: [String]

    enum CodingKeys: String, CodingKey {
        case accepted, stored, duplicate, merged, filtered, dead, inFlight = "in_flight", balanced, atRest = "at_rest",
            disagreements
    }

    /// - Parameters:
    ///   - reports: Read first, so that what is in flight cannot seem negative.
    ///   - feedbackLag: Records of the feedback topic that Reports had not settled when its ledger was read.
    ///   - rawEnds: The end of each partition of the raw topic; read last.
    init(reports: ReportsLedger, feedbackLag: Int64, parser: ParserLedger, rawEnds: [Int: Int64]) {
        // Of a workspace that was moved here, what was counted elsewhere counts, and not what the log has of it
        let moved = parser.elsewhere - parser.carried
        let appended = Int(rawEnds.values.reduce(0, +)) + moved
        let read = Int(parser.positions.reduce(0) { $0 + $1.next }) + moved
        accepted = appended + parser.total.extra
        stored = reports.stored
        duplicate = reports.duplicate
        merged = reports.merged
        filtered = reports.filtered + parser.total.filtered
        dead = reports.dead + parser.total.dead
        let unread = appended - read
        let unsettled = parser.total.emitted - reports.total
        inFlight = unread + unsettled
        if unread > 0, inFlight < 0 {
            // Items of a split delivery whose ledger is yet to be written: that they were settled says they were taken
            accepted -= inFlight
            inFlight = 0
        }
        atRest = unread == 0 && feedbackLag == 0
        disagreements = []
        if parser.total.events != read {
            disagreements.append("the parser counted \(parser.total.events) raw events and stands at \(read)")
        }
        if !parser.total.isBalanced {
            disagreements.append(
                "the parser read \(parser.total.items) items, and emitted, filtered or set aside "
                    + "\(parser.total.emitted + parser.total.filtered + parser.total.dead)")
        }
        if unread < 0 { disagreements.append("the parser stands \(-unread) records past the end of the log") }
        // The parser sends before it writes its ledger, so reports may be ahead of one that has something to read.
        if unread == 0, unsettled < 0 {
            disagreements.append("reports settled \(-unsettled) items more than the parser emitted")
        }
        if atRest, inFlight != 0 { disagreements.append("nothing is left to do, and \(inFlight) items are missing") }
        if accepted != stored + duplicate + merged + filtered + dead + inFlight {
            disagreements.append(
                "accepted \(accepted) is not the sum \(stored + duplicate + merged + filtered + dead + inFlight)")
        }
        balanced = disagreements.isEmpty
    }
}
