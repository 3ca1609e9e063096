/// Word lists of the topics, in the notation of ``PhraseMatcher``: English first, then German, French, Spanish,
/// Portuguese, Italian, Dutch, Polish, Russian, Turkish, Swedish, Chinese, Japanese, Korean.
enum TopicPhrases {
    static let all: [(topic: String, phrases: String)] = [
        (
            "performance",
            """
            slow, slows, slower, slowly, slowness, sluggish*, lag, lags, lagg*, laggy, latency, stutter*, frame rate, framerate,
            fps, performance, unresponsive, takes forever, takes ages, too long to load, loading time*, load time*, slow loading,
            keeps loading, loads forever, memory leak*, high cpu, cpu usage, ram usage, memory usage, 
            optimization, optimisation, optimized, poorly optimi*, ~fast, ~faster, ~loading, ~speed, ~responsive
            langsam*, ruckel*, hängt sich, ladezeit*, lädt ewig, speicherverbrauch, performanz, träge
            lente, lents, lenteur*, rame, ralenti*, saccad*, temps de chargement, met du temps
            lento, lenta, lentos, lentitud, ralentiza*, se traba, tarda mucho, rendimiento, tiempo de carga
            lentidão, trava muito, travando, demora muito, desempenho, lentezza, si blocca spesso, prestazioni, rallenta*
            traag, trage, vertraging*, langzaam, laadtijd*, wolno działa, zacina*, przycina*, wydajno*
            тормоз*, лаг*, медленн*, долго груз*, подвисает, оптимизаци*, производительност*
            yavaş*, kasıyor, donuyor, långsam*, segt
            卡顿, 很卡, 太慢, 好慢, 速度慢, 掉帧, 优化差, 优化太, 重い, 遅い, カクつ, 処理落ち, 느려, 느리, 렉이, 버벅, 최적화
            """
        ),
        (
            "crashes",
            """
            crash, crashes, crashed, crashing, crashy, freez*, froze, frozen, force close*, force clos*, stops working, stopped working,
            shuts down, closes itself, closes by itself, keeps closing, keeps stopping, blue screen, black screen, white screen,
            segfault*, segmentation fault*, stack overflow, kernel panic, hangs, hang up on, app closes, crashloop, panics
            abstürz*, absturz, abgestürzt, stürzt ab, stürzt immer ab, stürzt ständig ab, friert ein, eingefroren, schließt sich, schwarzer bildschirm
            plante, planté, plantage*, se ferme tout*, se ferme toute*, crashe, écran noir, se bloque, fige
            se cierra, se bloquea, se congela, pantalla negra, se cuelga, cierra solo, fecha sozinho, trava e fecha, tela preta, fechando sozinho
            si chiude, si blocca, va in crash, schermo nero, crasha, vastloper*, loopt vast, crasht, zawiesza, wywala się, czarny ekran
            вылет*, крашит*, крашится, завис*, черный экран, çöküyor, kendiliğinden kapanıyor, kraschar, kraschade, hänger sig
            闪退, 崩溃, 死机, 黑屏, 卡死, クラッシュ, 強制終了, 落ちる, フリーズ, 튕김, 튕겨, 튕기, 꺼져요, 강제종료, 멈춤
            """
        ),
        (
            "login",
            """
            login, logins, log in, logging in, logged out, logs me out, log me out, sign in, signing in, signed out, sign up, signup,
            password*, passcode, verification code, otp, two factor, 2fa, authenticat*, locked out, cant access my account,
            can not access my account, cannot access my account, create an account, reset my, captcha, username, sso, face id, fingerprint login
            anmeld*, einlogg*, eingeloggt, ausgeloggt, passwort*, kennwort, zugangsdaten, registrierung, konto gesperrt
            connexion impossible, se connecter, me connecter, connecter à mon compte, mot de passe, identifiant*, déconnect*
            iniciar sesión, inicio de sesión, contraseña*, no puedo entrar, cierra sesión, código de verificación
            fazer login, senha, não consigo entrar, código de verificação, accedere, accesso al, non riesco ad accedere, registrazione
            inloggen, ingelogd, uitgelogd, wachtwoord*, zalogow*, logowani*, hasło, hasła, войти в, авториза*, пароль, пароля, логин*, не могу зайти
            giriş yap*, şifre*, giremiyorum, logga in, inloggning*, lösenord*
            登录, 登陆, 登不上, 验证码, 密码, ログイン, パスワード, 認証コード, 로그인, 비밀번호, 인증번호
            """
        ),
        (
            "billing",
            """
            refund*, charged, overcharged, double charged, charge me, charges me, billing, billed, invoice*, payment*, paid twice,
            credit card, debit card, my card, my bank, transaction*, cancel my subscription, cancel subscription, unsubscribe, money back,
            auto renew*, autorenew*, renewal, chargeback, checkout, receipt, transfer failed, purchase failed, paypal, ~paid, ~pay, ~card, ~cancel
            abgebucht, rückerstattung, erstattung, rechnung*, zahlung*, bezahlvorgang, kündig*, geld zurück, abbuchung*
            rembours*, facture, factures, facturation, prélev*, paiement*, résilier, résiliation, carte bancaire
            reembolso*, devolución del dinero, cobraron, me cobran, cobro, cobros, factura, facturas, pago, pagos, tarjeta de crédito, cancelar la suscripción
            reembolso, cobrança*, cobrado, cobraram, pagamento*, fatura, cartão, cancelar assinatura, estorno
            rimborso*, addebit*, pagamenti, fattura, fatturazione, disdire, carta di credito
            terugbetal*, betaling*, factuur, facturen, afgeschreven, opzeggen, zwrot pieniędzy, płatnoś*, faktur*, obciąż*
            возврат денег, верните деньги, списали, списыва*, оплат*, платеж*, ödeme*, para iadesi, fatura*, återbetal*, betalning*
            退款, 扣费, 扣款, 付款, 支付, 发票, 返金, 請求, 支払い, 課金され, 환불, 결제
            """
        ),
        (
            "pricing",
            """
            price, prices, priced, pricing, pricey, overpriced, expensive, too costly, cheap price, cheaper, affordable, subscription*, subscription fee,
            monthly fee, free trial, free version, paywall*, pay wall, worth the money, worth every penny, worth the price, not worth it,
            value for money, waste of money, premium version, pro version, microtransaction*, micro transaction*, pay to win, p2w, money grab, cash grab,
            full price, on sale, discount*, dlc, dlcs, ~worth, ~cost, ~costs, ~money, ~premium, ~fees
            preis, preise, preislich, teuer, teure, teurer, überteuert, günstig, preiswert, abo, abonnement, kostenlos, kostenpflichtig, geldverschwendung, geldmacherei, preis leistung*
            prix, trop cher, chère, abonnement payant, gratuit, gratuite, payant, payante, hors de prix, arnaque
            precio, precios, caro, carísimo, barato, suscripción, gratis, de pago, vale la pena el precio
            preço, preços, assinatura, vale o preço, muito caro, gratuito, prezzo, prezzi, costoso, costosa, troppo caro, abbonamento, a pagamento
            prijs, prijzen, te duur, duur, goedkoop, abonnementskosten, cena, ceny, drogi, drogo, drogie, za drogo, subskrypcj*, darmow*
            цена, цены, цене, дорого, дорогая, дорогой, подписк*, платн*, бесплатн*, fiyat*, pahalı, ücretli, ücretsiz, abonelik, priset, dyrt, prenumeration
            价格, 太贵, 好贵, 收费, 订阅, 性价比, 氪金, 値段, 価格, 高すぎ, 高い料金, サブスク, 無料版, 有料, 가격, 비싸, 구독, 유료, 가성비
            """
        ),
        (
            "ui",
            """
            ui, ux, user interface, interface, user friendly, userfriendly, user experience, layout*, design, designs, designed, redesign*, dark mode, light mode, night mode,
            navigation, navigate, navigating, intuitive, unintuitive, clunky, easy to use, hard to use, difficult to use, easy to navigate, clutter*,
            toolbar, sidebar, menus, buttons, dropdown, look and feel, user unfriendly, scrolling, ~button, ~icon, ~icons, ~menu, ~screen, ~layout, ~tab
            benutzeroberfläche, oberfläche, bedienung, benutzerfreundlich*, übersichtlich, unübersichtlich, dunkelmodus, intuitiv, bedienbar, einfach zu bedienen
            ergonomi*, interface utilisateur, facile à utiliser, intuitif, intuitive, mode sombre, mise en page
            interfaz, fácil de usar, intuitivo, intuitiva, modo oscuro, diseño, fácil de usar, modo escuro, layout novo, interface, navegação
            interfaccia, facile da usare, intuitivo, grafica nuova, modalità scura, gebruiksvriendelijk*, vormgeving, overzichtelijk, donkere modus
            interfejs, łatwy w obsłudze, łatwa w obsłudze, intuicyjn*, ciemny motyw, интерфейс*, удобн*, неудобн*, дизайн*, тёмная тема, темная тема
            arayüz*, kullanımı kolay, tasarım*, gränssnitt*, användarvänlig*, lätt att använda, mörkt läge
            界面, 操作简单, 好用, 不好用, 设计, 夜间模式, 使いやす, 使いにく, 操作性, デザイン, 画面が見, ダークモード, 인터페이스, 사용하기 편, 디자인, 다크모드, 불편
            """
        ),
        (
            "notifications",
            """
            notification*, notify, notifies, notified, push message*, push alert*, reminder*, ~alert, ~alerts
            benachrichtig*, push nachricht*, mitteilungen, erinnerungen, notificaci*, notificaç*, notifich*, meldingen, powiadomie*, уведомлен*, пуш*
            bildirim*, aviseringar, notiser, avisos push, 通知, プッシュ, 알림, 푸시
            """
        ),
        (
            "sync",
            """
            sync, syncs, synced, syncing, synchron*, out of sync, cloud save*, cloud storage, cross device, other devices, across devices, multiple devices, icloud, back up, backup, backups, backing up
            synchronis*, abgleich, sicherung, geräteübergreifend, sauvegarde cloud, sincroniz*, copia de seguridad, sincronizz*, backup na nuvem, synchroniz*, kopia zapasowa
            синхрониз*, резервн*, senkron*, yedekle*, synka*, synkroniser*, säkerhetskopi*, 同步, 云存档, 备份, 同期, バックアップ, 동기화, 백업
            """
        ),
        (
            "installation",
            """
            install, installs, installed, installing, installation, installer, uninstall*, reinstall*, re install*, download it, wont download, setup, set up, upgrade, upgraded, upgrading, latest update, new update, last update, recent update,
            since the update, after the update, after update, update broke, wont update, wont open, doesnt open, does not open, wont launch, doesnt launch, wont start, doesnt start, package manager, ~update, ~updated, ~updates, ~version, ~download
            installier*, deinstallier*, neuinstall*, seit dem update, nach dem update, startet nicht, lässt sich nicht öffnen
            installer, désinstall*, réinstall*, mise à jour, mises à jour, ne démarre pas, ne s'ouvre pas
            instal*, desinstal*, reinstal*, actualización, actualizaciones, actualizar, no abre, no inicia, atualização, atualizações, atualizar, não abre
            installazione, disinstall*, aggiornament*, non si apre, installeren, verwijderd, geïnstalleerd, start niet op, bijwerken
            zainstalow*, odinstalow*, aktualizacj*, nie uruchamia, установ*, переустанов*, обновлени*, не запускается, не открывается
            yükle*, güncelleme*, açılmıyor, kurulum*, avinstaller*, uppdatering*, startar inte, 安装, 卸载, 更新, 打不开, 启动不了, インストール, アップデート, 起動しない, 설치, 업데이트, 실행이 안
            """
        ),
        (
            "documentation",
            """
            documentation, documented, undocumented, docs, doc page, tutorial*, user guide, how to guide, manual says, the manual, readme, changelog, release notes, code examples, sample code, api reference, faq, walkthrough
            dokumentation*, anleitung*, handbuch, tutoriel*, mode d'emploi, guide d'utilisation, documentación, manual de usuario, documentação, documentazione, guida utente, handleiding*, documentatie
            dokumentacj*, instrukcj*, документац*, инструкци*, туториал*, обучение непонятн*, kılavuz, belgeler, dokümantasyon, 文档, 教程, 说明书, ドキュメント, チュートリアル, 説明書, 문서, 튜토리얼, 설명서
            """
        ),
        (
            "support",
            """
            customer service, customer support, customer care, tech support, technical support, support team, contact support, contacted support, help desk, helpdesk, live chat, no response, no reply, never replied, never responded, emailed them, support ticket, opened a ticket, live agent, representative, chatbot, response from the dev*, ~support, ~agent, ~reply, ~response
            kundenservice, kundendienst, kundenbetreuung, hotline, keine antwort, support antwortet, service client, sav, aucune réponse, assistance client
            atención al cliente, servicio al cliente, soporte técnico, no responden, suporte, atendimento*, não respondem, assistenza clienti, servizio clienti, assistenza
            klantenservice, klantendienst, geen reactie, obsług* klienta, biuro obsługi, brak odpowiedzi, служба поддержки, поддержка не, техподдержк*, поддержку, служб* поддержки
            müşteri hizmet*, destek ekibi, kundtjänst, kundservice, 客服, 售后, カスタマーサポート, サポートに, 問い合わせ, 고객센터, 상담원, 문의
            """
        ),
        (
            "privacy",
            """
            privacy, personal data, personal information, personal info, data collection, collects data, collect data, collecting data, tracking me, tracks me, tracker*, spyware, spying, gdpr, data protection, permission, permissions, consent, cookie*, telemetry, sell my data, selling my data, my contacts, delete my account, delete account
            datenschutz*, dsgvo, persönliche daten, überwach*, berechtigung*, konto löschen, vie privée, données personnelles, rgpd, confidentialité, espionn*, autorisations
            privacidad, datos personales, permisos, privacidade, dados pessoais, permissões, lgpd, dati personali, permessi, privacygevoelig*, persoonsgegevens, gegevensbescherming, avg wet
            prywatno*, dane osobowe, danych osobowych, uprawnie*, rodo, конфиденциальн*, персональн* данн*, разрешени*, слежк*, gizlilik, kişisel veri*, izinler, integritet*, personuppgift*
            隐私, 个人信息, 权限, プライバシー, 個人情報, 権限, 개인정보, 권한
            """
        ),
        (
            "security",
            """
            security, insecure, vulnerab*, exploit, exploits, hacked, hacker*, hacking, account was stolen, stolen account, phishing, malware, virus, trojan, scam, scams, scammer*, scammed, fraud*, data breach, breach, encryption, encrypted, ransomware, cve, xss, sql injection
            sicherheitslücke*, gehackt, betrug, betrüger*, schadsoftware, verschlüssel*, faille de sécurité, piraté, piratage, escroc*, fraude*, sécurité
            seguridad, hackearon, hackeado, estafa*, fraude, segurança, golpe, golpistas, sicurezza, truffa*, hackerat*, beveiliging*, oplichting, oplichters, gehackte
            bezpieczeństw*, oszust*, zhakowan*, безопасност*, мошенни*, взлом*, вирус*, развод на деньги, güvenlik*, dolandır*, säkerhetsbrist*, bedrägeri*, 安全漏洞, 诈骗, 骗子, 病毒, 被盗, セキュリティ, 詐欺, ウイルス, 보안, 사기, 해킹
            """
        ),
        (
            "delivery",
            """
            delivery, deliveries, delivered, deliver, shipping, shipped, shipment*, courier, parcel, package arrived, arrived late, arrived damaged, never arrived, didnt arrive, tracking number, wrong item, wrong order, missing item*, late order, packaging, ~order, ~orders, ~arrived, ~arrive
            lieferung*, geliefert, lieferzeit, versand, paket, zustell*, verpackung, bestellung kam, livraison*, livré, livrée, livreur*, colis, emballage, expédi*
            entrega, entregas, entregaron, envío, envíos, paquete, repartidor*, entregue, frete, encomenda, consegna, consegnato, spedizione, pacco, corriere
            bezorg*, levering*, geleverd, verzending, pakket, pakketje, dostaw*, przesyłk*, kurier*, paczk*, доставк*, курьер*, посылк*, kargo, kargom, teslimat*, paketleme, leverans*, levererad*, frakt, 送货, 快递, 物流, 发货, 包装, 配送, 配達, 届か, 梱包, 배송, 배달, 택배, 포장
            """
        ),
        (
            "ads",
            """
            ad, ads, advert*, adverts, ad free, popups, pop up ads, too many commercials, commercials, adware, sponsored, ad blocker
            werbung*, werbefrei, werbeanzeige*, publicité*, sans pub, trop de pub, anuncio*, publicidad, propagandas, anúncio*, pubblicità, inserzion*, reclame*, advertentie*
            reklam*, реклам*, annonser, 广告, 広告, 광고
            """
        ),
        (
            "accessibility",
            """
            accessibility, accessible, screen reader*, voiceover, talkback, colour blind*, color blind*, colorblind*, blind users, visually impaired, font size, text size, larger text, bigger text, bigger font, text too small, font too small, tiny text, subtitles, closed captions, captions, ~contrast, dyslexi*, keyboard navigation, hearing impaired, hard of hearing, deaf, left handed
            barrierefrei*, schriftgröße, schrift zu klein, sehbehindert*, farbenblind*, untertitel, accessibilité, malvoyant*, daltonien*, taille de police, sous titres, accesibilidad, tamaño de letra, daltónic*, letra muy pequeña, subtítulos
            acessibilidade, tamanho da fonte, legendas, accessibilità, daltonic*, sottotitoli, toegankelijkheid, lettergrootte, ondertiteling, dostępnoś* dla, rozmiar czcionki, napisy, субтитр*, размер шрифта, дальтоник*, слабовидящ*, erişilebilirlik, altyazı*, tillgänglighet, undertexter
            无障碍, 字体太小, 字幕, 色盲, アクセシビリティ, 文字が小さ, 字幕が, 접근성, 글씨가 작, 자막
            """
        ),
        (
            "translation",
            """
            translation*, translate, translated, mistranslat*, localization, localisation, in my language, other languages, language support, language option*, change language, change the language, english version, only in english, add german, add spanish, add french, multilingual, language pack
            übersetz*, auf deutsch, deutsche sprache, deutsche version, traduction*, traduit, traduire, en français, version française, traducción, traducciones, traducir, traducido, en español, idioma español
            tradução, traduzir, traduzido, em português, pt br, legendado em português, traduzione, traduzioni, tradurre, tradotto, in italiano, lingua italiana, vertaling*, vertaald, in het nederlands, tłumacz*, po polsku, język polski, spolszcz*
            перевод*, переведен*, локализаци*, русск* язык, на русском, çeviri*, türkçe dil*, türkçe yok, türkçe destek, översätt*, på svenska, 翻译, 汉化, 中文, 翻訳, 日本語対応, 日本語化, 번역, 한글화, 한국어
            """
        ),
        (
            "search",
            """
            search, searches, searching, search function, search results, search bar, ~filter, ~filters, filtering, sort by, sorting, cant find, find anything
            suchfunktion, suche nach, suchergebnis*, filterfunktion, sortier*, recherche, barre de recherche, filtres, búsqueda, buscador, filtros, busca, pesquisa*, ricerca, filtri, zoekfunctie, zoeken, zoekresultaten
            wyszukiw*, filtry, поиск*, фильтр*, arama, filtre*, sökning, sökfunktion*, 搜索, 查找, 筛选, 検索, 絞り込み, 검색, 필터
            """
        ),
        (
            "battery",
            """
            battery, drains my, draining, battery drain, power consumption, overheat*, over heat*, heats up, gets hot, phone hot, charging, charger
            akku, akkus, akkulauf*, batterie, überhitz*, wird heiß, stromverbrauch, consomme beaucoup, chauffe, surchauff*, batería, se calienta, consume mucho, bateria, esquenta*, batteria, si scalda, surriscald*, batterij*, accu, warmlopen, nagrzewa*, батаре*, аккумулятор*, греется, нагрева*, pil, şarj*, ısınıyor, batteri*, 耗电, 电池, 发热, 发烫, バッテリー, 電池, 発熱, 배터리, 발열
            """
        ),
        (
            "connectivity",
            """
            wifi, wi fi, bluetooth, offline mode, offline, internet connection, connection lost, lost connection, connection error*, disconnect*, reconnect*, cant connect, cannot connect, wont connect, doesnt connect, server down, servers are down, servers, server error*, server issue*, network error*, timeout*, time out, timed out, ping is, high ping, vpn, unable to connect, matchmaking, ~server, ~connection, ~connect, ~network
            verbindung*, verbindet nicht, internetverbindung, serverprobleme, offlinemodus, connexion internet, serveurs, hors ligne, problème de connexion, conexión*, servidor*, se desconecta, sin conexión, conexão, desconecta*, connessione*, si disconnette, verbinding*, połączeni*, serwer*, rozłącza*, подключен*, соединени*, сервер*, офлайн, bağlan*, sunucu*, anslut*, uppkoppling*
            服务器, 连接, 断线, 联机, 网络, 蓝牙, サーバー, 接続, 通信エラー, 回線, 서버, 연결, 접속, 블루투스
            """
        ),
        (
            "data-loss",
            """
            lost my data, lost all my, lost everything, lost progress, lost my progress, lose progress, lose my progress, data loss, deleted my, deleted all my, wiped, save file*, saved file*, corrupted, corrupt save, savegame*, my progress, all my progress, disappeared, all gone, erased
            daten verloren, fortschritt verloren, alles weg, spielstand*, gelöscht, données perdues, perdu toutes, perdu ma progression, tout perdu, perdí todo, perdí mi progreso, se borró, se borraron, datos perdidos, perdi tudo, perdi meu progresso, apagou, ho perso tutto, dati persi, cancellat* tutto, alles kwijt, voortgang kwijt, gegevens kwijt, utrata danych, utraciłem, straciłem wszystko, zapis gry
            сохранени*, пропал прогресс, пропали, удалил* все, потерял*, kaydım silindi, verilerim silindi, kayboldu, förlorade all*, 存档, 丢失, 没了存档, 数据丢, セーブデータ, データが消, 消えた, 데이터 날아, 세이브, 저장이 안
            """
        ),
        (
            "integrations",
            """
            integration*, integrate*, api, apis, webhook*, plugin*, plug in*, add on, add ons, addon*, extension, extensions, third party app*, export, exports, exporting, import, imports, importing, csv, google calendar, slack, zapier, mod support, modding, workshop, carplay, android auto, apple watch
            schnittstelle*, exportier*, importier*, erweiterung*, intégration*, exporter, importer, greffon*, integración, integraciones, exportar, importar, integração, integrações, integrazione, integrazioni, esportare, importare, koppeling*, exporteren, importeren
            integracj*, eksport*, wtyczk*, интеграци*, экспорт*, импорт*, плагин*, мастерск*, entegrasyon*, eklenti*, dışa aktar*, integrering*, exportera, 接口, 插件, 导出, 导入, 创意工坊, 連携, プラグイン, エクスポート, 연동, 플러그인, 내보내기
            """
        ),
        (
            "media",
            """
            audio, sound, sounds, no sound, soundtrack, music, microphone, mic, speaker*, volume, video, videos, playback, camera, photo, photos, picture quality, image quality, buffering, resolution, graphics, visuals, streaming quality, headphones, ~picture, ~pictures, ~quality
            kein ton, tonqualität, bildqualität, grafik, musik, kamera, fotos, lautstärke, qualité audio, le son, graphisme*, musique, appareil photo, caméra, sonido, gráficos, música, cámara, calidad de imagen, sem som, áudio, câmera, imagem, grafica, musica, fotocamera, geluid, beeldkwaliteit, muziek, dźwięk*, grafika, muzyka, aparat, zdjęci*
            звук*, график*, музык*, камер*, видео, фото, grafikler, müzik*, kamera, ljud*, bildkvalitet, 画面, 音乐, 音效, 声音, 视频, 画质, 音楽, 音声, グラフィック, 動画, 画質, 그래픽, 음악, 사운드, 영상, 화질
            """
        ),
    ]
}
