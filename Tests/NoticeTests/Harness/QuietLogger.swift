import Logging

extension Logger {
    /// Says nothing but what is critical.
    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }
}
