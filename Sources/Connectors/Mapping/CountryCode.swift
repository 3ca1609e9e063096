/// Country codes of ISO 3166-1.
enum CountryCode {
    /// The code in lower case, of two letters where a code of three is one of the usual storefronts'.
    static func alpha2(_ code: String) -> String {
        let lower = code.trimmed.lowercased()
        return lower.utf8.count == 3 ? byAlpha3[lower] ?? lower : lower
    }

    private static let byAlpha3: [String: String] = {
        let pairs = """
            areae argar armam ausau autat azeaz belbe bgdbd bgrbg bhrbh bihba blrby bolbo brabr canca chech chlcl \
            chncn colco cricr cypcy czecz deude dnkdk domdo dzadz ecuec egyeg espes estee finfi frafr gbrgb geoge \
            ghagh grcgr gtmgt hkghk hndhn hrvhr hunhu idnid indin irlie irqiq isril islis itait jorjo jpnjp kazkz \
            kenke khmkh korkr kwtkw laola lbnlb lkalk ltult luxlu lvalv macmo marma mdamd mexmx mkdmk mltmt mmrmm \
            mngmn mysmy ngang nicni nldnl norno nplnp nzlnz omnom pakpk panpa perpe phlph polpl prtpt prypy qatqa \
            rouro rusru sausa sensn sgpsg slvsv srbrs svksk svnsi swese thath tuntn turtr twntw tzatz ukrua ugaug \
            uryuy usaus uzbuz venve vnmvn yemye zafza zmbzm zwezw
            """
        var table: [String: String] = [:]
        for pair in pairs.lowercased().split(separator: " ") where pair.utf8.count == 5 {
            table[String(pair.prefix(3))] = String(pair.suffix(2))
        }
        return table
    }()
}
