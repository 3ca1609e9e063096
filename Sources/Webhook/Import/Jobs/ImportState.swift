/// Where an import is. `docs/importing.md` draws it; ``after(_:)`` is the drawing.
enum ImportState: String, Sendable, Hashable, CaseIterable, Codable {
    /// Its file is coming.
    case uploading = "UPLOADING"
    /// The file is there, and nothing of it is on the log.
    case ready = "READY"
    case running = "RUNNING"
    case paused = "PAUSED"
    case completed = "COMPLETED"
    case failed = "FAILED"
    case cancelled = "CANCELLED"
    /// What it brought is being withdrawn.
    case undoing = "UNDOING"
    case undone = "UNDONE"

    /// What can happen to an import.
    enum Event: Sendable, Hashable, CaseIterable {
        case uploaded
        /// Begun, or gone on with.
        case started
        case paused
        /// A dry run looked at the last row.
        case checked
        /// The last row is on the log.
        case finished
        case failed
        case cancelled
        case undoingBegan
        case undone
    }

    /// Where it is after something happened; nil if that cannot happen here.
    func after(_ event: Event) -> ImportState? {
        switch (self, event) {
        case (.uploading, .uploaded): .ready
        case (.ready, .started), (.paused, .started), (.failed, .started): .running
        case (.running, .paused): .paused
        case (.running, .checked): .ready
        case (.running, .finished): .completed
        case (.uploading, .failed), (.running, .failed), (.undoing, .failed): .failed
        case (.uploading, .cancelled), (.ready, .cancelled), (.running, .cancelled), (.paused, .cancelled),
            (.failed, .cancelled):
            .cancelled
        case (.paused, .undoingBegan), (.completed, .undoingBegan), (.failed, .undoingBegan),
            (.cancelled, .undoingBegan):
            .undoing
        case (.undoing, .undone): .undone
        default: nil
        }
    }

    /// Whether the same file, sent again, goes on with this import.
    var isOpen: Bool {
        switch self {
        case .uploading, .ready, .running, .paused, .undoing: true
        case .completed, .failed, .cancelled, .undone: false
        }
    }
}
