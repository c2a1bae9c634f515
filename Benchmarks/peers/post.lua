wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"id":"ord_0123456789abcdefghjkmnpqrs","lot":"lot_0123456789abcdefghjkmnpqrs","bidder":"安徽宏远建设工程有限公司","creditCode":"91350100M000100Y43","premium":"200.00","opening":"2026-12-07T01:30:00Z","isPaid":true,"items":[{"name":"投标保证保险","quantity":1,"amount":"200.00"},{"name":"电子保函服务","quantity":2,"amount":"15.50"},{"name":"document","quantity":12,"amount":"1234.56"}]}'
