import Client
import Foundation

/// One line on the terminal that says how far the import is, drawn again some ten times a second.
struct ProgressLine {
    private let total: Int?
    private let isShown: Bool
    private let begun = ContinuousClock.now
    private var drawn: ContinuousClock.Instant?

    init(total: Int?, isShown: Bool) {
        self.total = total
        self.isShown = isShown
    }

    var seconds: Double {
        let elapsed = (ContinuousClock.now - begun).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    }

    mutating func show(_ progress: FileImport.Progress) {
        show(bytes: progress.bytes, rows: progress.rows, trouble: progress.trouble)
    }

    /// - Parameter rows: nil while bytes alone are counted.
    mutating func show(bytes: Int, rows: Int?, trouble: String?) {
        let now = ContinuousClock.now
        guard isShown, drawn.map({ now - $0 >= .milliseconds(100) }) ?? true else { return }
        drawn = now
        let seconds = max(seconds, 0.001)
        var text = rows.map { "\($0.formatted()) rows  \(Int(Double($0) / seconds).formatted())/s" } ?? "sending"
        if let total, total > 0 {
            let share = min(1, Double(bytes) / Double(total))
            let filled = Int(share * 24)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
            let left = share > 0 ? seconds / share - seconds : 0
            text =
                "\(bar) \(Int(share * 100))%  \(Self.size(bytes)) of \(Self.size(total))  \(text)  \(Self.time(left)) left"
        } else {
            text = "\(Self.size(bytes))  \(text)"
        }
        if let trouble { text = "waiting: \(trouble.prefix(80))  " + text }
        write("\r\u{1B}[2K" + text)
    }

    func clear() {
        if drawn != nil { write("\r\u{1B}[2K") }
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    static func time(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        return whole < 60 ? "\(whole) s" : "\(whole / 60):" + String(format: "%02d", whole % 60)
    }

    private static func size(_ bytes: Int) -> String {
        bytes < 1 << 20 ? "\(bytes >> 10) KB" : String(format: "%.1f MB", Double(bytes) / 1_048_576)
    }
}
