import Synchronization
import Threads

/// Copies the write-ahead log into the file on a thread and a connection of its own, so that no commit waits for it.
final class Checkpointer: Sendable {
    private final class Progress: Sendable {
        /// Pages of the write-ahead log that are in the file, after a pass that nobody asked about yet; else -1.
        let copied = Atomic<Int>(-1)
    }

    private let mailbox = Mailbox<Void>()
    private let progress = Progress()
    private let thread: WorkerThread

    init(connection: LogConnection) throws {
        // A connection that has read nothing does not know of the write-ahead log, and copies nothing of it.
        try connection.execute("PRAGMA schema_version")
        thread = WorkerThread(name: "log-checkpoint") { [mailbox, progress] in
            while mailbox.takeAll() != nil {
                let copied = connection.checkpoint(waitingForReaders: false)
                progress.copied.store(copied, ordering: .relaxed)
            }
        }
    }

    func wake() { _ = mailbox.put(()) }

    /// How many pages of the write-ahead log the last pass left in the file; told once, nil while there is no news.
    func takeCopied() -> Int? {
        guard progress.copied.load(ordering: .relaxed) >= 0 else { return nil }
        let copied = progress.copied.exchange(-1, ordering: .relaxed)
        return copied < 0 ? nil : copied
    }

    func close() async {
        mailbox.close()
        await thread.finished()
    }

    func abandon() { mailbox.close() }
}
