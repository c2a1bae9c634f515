import ServiceRuntime

await serviceMain(.invoice, build: invoiceService)
