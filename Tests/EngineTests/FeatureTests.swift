import Testing

@testable import Engines

/// The expected values are computed by tools/train/golden.py, which states the hashing apart from the Swift code.
@Suite struct FeatureTests {
    private func words(_ text: String) -> [UInt32] {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: WordFeatures.limit) { buffer in
            let count = Array(text.utf8).withUnsafeBufferPointer { WordFeatures.extract($0, into: buffer) }
            return Array(buffer[..<count])
        }
    }

    private func letters(_ text: String) -> [UInt32] {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: WordFeatures.limit) { buffer in
            let count = Array(text.utf8).withUnsafeBufferPointer { LanguageFeatures($0, into: buffer).count }
            return Array(buffer[..<count])
        }
    }

    @Test func wordsHashAsStated() {
        #expect(words("Bad app") == [0x3A3DFB4E, 0x3FF7A824, 0x9315903F, 0x77F0CF3B])
        #expect(words("ÜBEL") == [0xC493E2A6, 0xBE2AA3A8, 0x394FAB8A])
        #expect(letters("ab") == [0xDA9615A0, 0x719AE062, 0x49089E31, 0x2AE62ADB, 0xE4723103, 0x17F314C9, 0x8793B6DB])
    }

    @Test func caseApostrophesAndRepetitionFold() {
        #expect(words("DON'T") == words("dont"))
        #expect(words("don’t") == words("dont"))
        #expect(words("soooooo") == words("soo"))
        #expect(words("ПРИВЕТ ΌΜΟΡΦΗ ÇOK İYİ") == words("привет όμορφη çok iyi"))
    }

    @Test func linksAndHandlesSayNothing() {
        #expect(words("https://example.org/a?b=c @someone") == [])
        #expect(letters("http://example.org @someone x1y2") == [])
    }

    @Test func brokenUTF8IsReadToItsEnd() {
        let broken: [[UInt8]] = [
            [0xFF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0x80, 0x41],
        ]
        for bytes in broken {
            let count = withUnsafeTemporaryAllocation(of: UInt32.self, capacity: WordFeatures.limit) { buffer in
                bytes.withUnsafeBufferPointer { WordFeatures.extract($0, into: buffer) }
            }
            #expect(count <= 2 * bytes.count + 2)
        }
    }

    @Test func featuresAreBounded() {
        #expect(words(String(repeating: "many words here ", count: 10_000)).count <= WordFeatures.limit)
        #expect(letters(String(repeating: "many words here ", count: 10_000)).count <= LanguageFeatures.limit + 8)
    }

    @Test func weightsWereTrainedForTheseFeatures() throws {
        for (model, kind) in [(LinearModel.BuiltIn.language, "language"), (.sentiment, "words"), (.intent, "words")] {
            let file = try LinearModel(model, kind: kind).file
            #expect(file.fingerprint == FeatureFingerprint.of(kind: kind))
            #expect(file.bias.count == file.labels.count)
        }
        #expect(throws: ModelError.otherFeatures("language")) { try LinearModel(.language, kind: "words") }
    }

    @Test func aModelFileReadsWhatItWrote() throws {
        let file = ModelFile(
            kind: "words", bits: 2, labels: ["a", "ß", "c"], unit: 0.5, bias: [0, 1, -1], fingerprint: 42)
        let whole = file.header + [UInt8](repeating: 7, count: 8)
        let (read, length) = try #require(whole.withUnsafeBufferPointer(ModelFile.read))
        #expect(read == file)
        #expect(length == file.header.count)
        for count in 0..<whole.count {
            #expect(Array(whole[..<count]).withUnsafeBufferPointer(ModelFile.read) == nil)
        }
    }

    @Test func theExponentialIsCloseEnough() {
        for (x, expected) in [(Float(0), Float(1)), (-1, 0.367_879_44), (-0.5, 0.606_530_66), (-10, 4.539_993e-5)] {
            #expect(abs(Exponential.of(x) - expected) <= expected * 1e-5)
        }
        #expect(Exponential.of(-.infinity) == 0)
    }
}
