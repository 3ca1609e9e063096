import ArgumentParser
import Client
import Common
import Foundation

extension ExitCode {
    /// The command understood, and could not do it.
    static let failed = ExitCode(1)
    /// The command line or the settings are wrong.
    static let misuse = ExitCode(2)
    /// No server answered.
    static let unreachable = ExitCode(3)
}

/// Runs a command's work; an error becomes one line on standard error and the exit code that says what kind it is.
func reportingErrors(_ work: () async throws -> Void) async throws {
    do {
        try await work()
    } catch let exit as ExitCode {
        throw exit
    } catch let error as SettingsError {
        printError(error)
        throw ExitCode.misuse
    } catch let error as APIFailure {
        printError(error)
        if case .unreachable = error { throw ExitCode.unreachable }
        throw ExitCode.failed
    } catch {
        printError(error)
        throw ExitCode.failed
    }
}

/// Writes one line to standard error.
func printError(_ message: Any) {
    FileHandle.standardError.write(Data("earshot: \(message)\n".utf8))
}
