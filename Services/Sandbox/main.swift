import ServiceRuntime

await serviceMain(.tradingCentre, build: sandbox)
