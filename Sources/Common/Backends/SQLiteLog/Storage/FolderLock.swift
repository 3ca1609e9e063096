import Common
import Foundation
import Synchronization

/// Keeps a second process, or a second log of this one, out of a folder. The system lets go when the process dies.
final class FolderLock: Sendable {
    private let descriptor: Mutex<Int32?>

    init(folder: String) throws {
        let path = folder + "/log.lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw EventLogError.unavailable("cannot open \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            Foundation.close(descriptor)
            throw EventLogError.unavailable(
                "the log in \(folder) is in use by another process: stop it, or ask it over HTTP")
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    func release() {
        if let descriptor = descriptor.withLock({ $0.take() }) { Foundation.close(descriptor) }
    }
}
