import ServiceRuntime

await serviceMain(.payment, build: paymentService)
