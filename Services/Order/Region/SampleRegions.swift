/// Two regions that differ in every switch, for the demo and as a pattern for `regions.file`. The first follows the
/// operating manual (Xuancheng).
let sampleRegions = """
    [
      {
        "region": "341800", "version": "xuancheng-2026-1", "name": "宣城市公共资源交易中心",
        "refunds": { "whenWithdrawn": true, "whenSuspended": true, "whenTerminated": true },
        "requiresBasicAccount": true, "coverageStart": "bid_deadline", "tailDays": 0,
        "invoices": ["electronic_ordinary", "paper_ordinary", "paper_special"], "vatPercent": 6,
        "underwriting": { "refuseAbove": "800000.00", "referAbove": "300000.00" }, "quoteValidHours": 24,
        "payouts": { "approvalAbove": "2000.00", "dailyLimit": "1000000.00" }
      },
      {
        "region": "430100", "version": "changsha-2026-1", "name": "长沙公共资源交易中心",
        "refunds": { "whenWithdrawn": false, "whenSuspended": true, "whenTerminated": true },
        "requiresBasicAccount": false, "coverageStart": "issue", "tailDays": 30,
        "invoices": ["electronic_ordinary", "electronic_special"], "vatPercent": 6,
        "underwriting": { "refuseAbove": "500000.00", "referAbove": "200000.00" }, "quoteValidHours": 12,
        "payouts": { "approvalAbove": "1000.00", "dailyLimit": "500000.00" }
      }
    ]
    """
