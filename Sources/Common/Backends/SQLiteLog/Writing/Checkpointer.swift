/// Copies the write-ahead log into the file on a thread and a connection of its own, so that no commit waits for it.
final class Checkpointer: Sendable {
    private let mailbox = Mailbox<Void>()
    private let thread: WorkerThread

    init(connection: LogConnection) {
        thread = WorkerThread(name: "log-checkpoint") { [mailbox] in
            while mailbox.takeAll() != nil { connection.checkpoint(waitingForReaders: false) }
        }
    }

    func wake() { _ = mailbox.put(()) }

    func close() async {
        mailbox.close()
        await thread.finished()
    }

    func abandon() { mailbox.close() }
}
