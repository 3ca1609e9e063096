internal import CModels

/// A linear model over hashed features, its weights where the program was loaded.
struct LinearModel: Sendable {
    let file: ModelFile
    /// Signed 8-bit weights, a row of lanes per feature.
    private nonisolated(unsafe) let weights: UnsafePointer<Int8>
    private let mask: UInt32
    private let stride: Int

    /// The models that are built in.
    enum BuiltIn: String, Sendable {
        case language, sentiment, intent

        fileprivate var bytes: UnsafeBufferPointer<UInt8> {
            var size = 0
            let start =
                switch self {
                case .language: earshot_model_language(&size)
                case .sentiment: earshot_model_sentiment(&size)
                case .intent: earshot_model_intent(&size)
                }
            return UnsafeBufferPointer(start: start, count: size)
        }
    }

    /// - Throws: ``ModelError`` if the file is none, or was trained for other features than this program computes.
    init(_ model: BuiltIn, kind: String) throws(ModelError) {
        let bytes = model.bytes
        guard let start = bytes.baseAddress, let (file, length) = ModelFile.read(bytes) else {
            throw .unreadable(model.rawValue)
        }
        guard file.kind == kind, file.fingerprint == FeatureFingerprint.of(kind: kind) else {
            throw .otherFeatures(model.rawValue)
        }
        self.file = file
        weights = UnsafeRawPointer(start + length).assumingMemoryBound(to: Int8.self)
        stride = file.stride
        mask = UInt32(truncatingIfNeeded: (1 << file.bits) - 1)
    }

    /// So many weights add up to what 16 bits hold.
    private static let batch = 256

    /// Adds up the lanes of all features; the reference's score is the first.
    @inline(__always)
    func score(_ features: UnsafeBufferPointer<UInt32>, _ space: ScoringSpace) {
        let stride = stride
        if stride == 2 { return score(pairs: features, space) }
        guard let sums = space.sums.baseAddress, let partial = space.partial.baseAddress else { return }
        for lane in 0..<stride { sums[lane] = 0 }
        var start = 0
        while start < features.count {
            let end = min(features.count, start + Self.batch)
            for lane in 0..<stride { partial[lane] = 0 }
            for index in start..<end {
                let row = weights + Int(features[index] & mask) * stride
                for lane in 0..<stride { partial[lane] &+= Int16(row[lane]) }
            }
            for lane in 0..<stride { sums[lane] &+= Int32(partial[lane]) }
            start = end
        }
        finish(features.count, space)
    }

    /// The same for two lanes, which stay in registers.
    @inline(__always)
    private func score(pairs features: UnsafeBufferPointer<UInt32>, _ space: ScoringSpace) {
        var first: Int32 = 0
        var second: Int32 = 0
        for feature in features {
            let row = weights + Int(feature & mask) * 2
            first &+= Int32(row[0])
            second &+= Int32(row[1])
        }
        space.sums[0] = first
        space.sums[1] = second
        finish(features.count, space)
    }

    @inline(__always)
    private func finish(_ count: Int, _ space: ScoringSpace) {
        let scale = count == 0 ? 0 : file.unit / Float(count).squareRoot()
        space.scores[0] = file.bias[0]
        for lane in 0..<file.labels.count - 1 {
            space.scores[lane + 1] = Float(space.sums[lane]) * scale + file.bias[lane + 1]
        }
    }
}

/// Why a model cannot be used.
enum ModelError: Error, Equatable, CustomStringConvertible {
    case unreadable(String)
    case otherFeatures(String)

    var description: String {
        switch self {
        case .unreadable(let name): "The built-in model \(name) is no model file of this version: train it again."
        case .otherFeatures(let name):
            "The built-in model \(name) was trained for other features than this program computes: train it again."
        }
    }
}

/// Room that scoring needs, lent for a batch so that a text costs no allocation.
struct ScoringSpace {
    let features: UnsafeMutableBufferPointer<UInt32>
    let sums: UnsafeMutableBufferPointer<Int32>
    let partial: UnsafeMutableBufferPointer<Int16>
    let scores: UnsafeMutableBufferPointer<Float>

    /// Lends room for a model to the body.
    static func with<Result>(_ model: LinearModel, _ body: (ScoringSpace) -> Result) -> Result {
        let (stride, labels) = (model.file.stride, model.file.labels.count)
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: WordFeatures.limit) { features in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: stride) { sums in
                withUnsafeTemporaryAllocation(of: Int16.self, capacity: stride) { partial in
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: labels) { scores in
                        body(ScoringSpace(features: features, sums: sums, partial: partial, scores: scores))
                    }
                }
            }
        }
    }

    /// Scores the words of a text; returns how many features it had.
    @inline(__always)
    func score(words text: [UInt8], _ model: LinearModel) -> Int {
        let count = text.withUnsafeBufferPointer { WordFeatures.extract($0, into: features) }
        model.score(UnsafeBufferPointer(rebasing: features[..<count]), self)
        return count
    }

    /// Turns the scores into probabilities.
    @inline(__always)
    func softmax() {
        var highest = -Float.infinity
        for score in scores { highest = max(highest, score) }
        var total: Float = 0
        for lane in scores.indices {
            scores[lane] = Exponential.of(scores[lane] - highest)
            total += scores[lane]
        }
        for lane in scores.indices { scores[lane] /= total }
    }
}
