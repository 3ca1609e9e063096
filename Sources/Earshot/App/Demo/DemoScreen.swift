import Foundation
import Glibc
import ServiceKit
import Synchronization

/// Progress on standard error: bars on a terminal, a line now and then elsewhere, nothing where it would disturb.
final class DemoScreen: Sendable {
    private struct Row {
        var name: String
        var total: Int
        var done = 0
    }
    private struct State {
        var rows: [Row] = []
        var isDrawn = false
        var drawnAt = ContinuousClock.now
    }

    private let state = Mutex(State())
    private let isTerminal: Bool
    private let isQuiet: Bool

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
        isTerminal = isatty(STDERR_FILENO) == 1
    }

    /// Shows these rows from now on.
    func begin(_ rows: [(name: String, total: Int)]) {
        state.withLock { state in
            state.rows = rows.map { Row(name: $0.name, total: $0.total) }
            state.isDrawn = false
            draw(&state, force: true)
        }
    }

    func advance(_ row: Int, by count: Int) {
        guard count > 0 else { return }
        state.withLock { state in
            guard state.rows.indices.contains(row) else { return }
            state.rows[row].done += count
            draw(&state, force: state.rows[row].done >= state.rows[row].total && state.rows[row].total > 0)
        }
    }

    /// One line between the bars.
    func note(_ text: String) {
        guard !isQuiet else { return }
        state.withLock { state in
            write("  " + text + "\n")
            state.isDrawn = false
        }
    }

    private func draw(_ state: inout State, force: Bool) {
        guard !isQuiet, isTerminal else { return }
        let now = ContinuousClock.now
        guard force || (now - state.drawnAt).seconds > 0.1 else { return }
        state.drawnAt = now
        var text = state.isDrawn ? "\u{1B}[\(state.rows.count)A" : ""
        for row in state.rows {
            let share = row.total > 0 ? min(1, Double(row.done) / Double(row.total)) : 0
            let filled = Int(share * 30)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
            let count = row.total > 0 ? "\(row.done)/\(row.total)" : "\(row.done)"
            text +=
                "\u{1B}[2K  " + row.name.padding(toLength: 34, withPad: " ", startingAt: 0) + bar + " " + count + "\n"
        }
        state.isDrawn = true
        write(text)
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
